#!/usr/bin/python3
"""counted.py - what a malloc and free pair takes, counted, not timed: exact in an emulator too.

counted.py kvm measures the kvm backend (in ring 0: in the test machine, or where /dev/kvm is),
counted.py host the host backend. Both print one line per count, and fail if a bound is broken;
counted.py table FILE... makes one table of such lines. Each figure is the difference of two runs of
one program, so that what starting takes is not in it.
"""

import argparse
import os
import re
import resource
import subprocess
import sys

FEW, MANY, LIVE, FULL = 20000, 220000, 1000, 60000
HOST_MODES = {"strict": "--detect=strict", "deferred": "--detect=deferred", "production": "--profile=production"}
# name, what the row says
ROWS = (
    ("instructions", "instructions per pair of 64 bytes beyond glibc's own"),
    ("pages", "the same of 6,000 bytes"),
    ("exits", "system calls (kvm: exits) per pair"),
    ("handed", "system calls per block freed by a thread that allocates none"),
    ("live", "page-table bytes per live alias"),
    ("dead", "page-table bytes per dead alias"),
    ("call", "exits per system call of the program"),
    ("faults", "page faults of expr(1), with stacks, beyond glibc's own"),
    ("starting", "page faults of true(1) beyond glibc's own"),
    ("forking", "page faults of a fork by a shell and of its child, with stacks, beyond glibc's own"),
    ("asking", "system calls of true(1) beyond glibc's own"),
)
# The most that each may be.
MOST = {
    "kvm": {"instructions": 110, "pages": 450, "exits": 1e-4, "live": 10, "dead": 0.5, "call": 1.01},
    "host-strict": {"instructions": 455, "pages": 330, "exits": 1.1, "handed": 1.1, "faults": 290, "forking": 120},
    "host-deferred": {"instructions": 75, "pages": 240, "exits": 0.012, "handed": 0.02, "faults": 290, "forking": 128},
    "host-production": {"instructions": 15, "pages": 250, "exits": 0.0015, "handed": 0.003, "faults": 40,
                        "starting": 19, "forking": 25, "asking": 37},
}


def run(cmd):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True)
    if p.returncode:
        sys.exit(f"counted: {cmd}: status {p.returncode}\n{p.stdout}{p.stderr}")
    return p.stdout, p.stderr


def steps(b, under, size):
    return int(run([*under, f"{b}/kvm/count", size])[0])


class Kvm:
    """pairs() gives exits and page-table bytes at the end, as --stats says them."""

    def __init__(self, b):
        self.b = b
        self.under = [f"{b}/undangle", "--backend=kvm", "--no-stacks"]

    def steps(self, size):
        return steps(self.b, [*self.under, "--"], size)

    def pairs(self, n, k, calls=0):
        err = run([*self.under, "--stats", "--", f"{self.b}/kvm/pairs", n, k, calls])[1]
        m = re.search(r"exits: (\d+),.* page tables: (\d+) KB", err)
        return int(m[1]), int(m[2]) * 1024


class Host:
    """pairs() gives system calls (under a tracer) and the kernel's page tables of the process."""

    def __init__(self, b, mode):
        self.b = b
        self.under = [f"{b}/undangle", "--backend=host", HOST_MODES[mode], "--no-stacks",
                      "--no-poison",  # which is by the byte
                      "--defer-ms=3600000"]  # what dies with time alone would be a count of time

    steps = Kvm.steps

    def pairs(self, n, k, calls=0):
        prog = [*self.under, "--", f"{self.b}/kvm/pairs", n, k, calls]
        return self.calls(prog), int(run([*prog, "pte"])[0])

    def calls(self, prog):
        return int(run([f"{self.b}/kvm/syscalls", *prog])[0])

    def handed(self, n):
        return self.calls([*self.under, "--", f"{self.b}/kvm/handed", n])

    def beyond(self, of, *cmd):
        """By the environment alone: the command would be counted with it."""
        lib = {"LD_PRELOAD": os.path.abspath(f"{self.b}/libundangle.so"),
               "UNDANGLE_OPTIONS": self.under[2].lstrip("-")}
        return min(of(lib, *cmd) for _ in range(5)) - min(of({}, *cmd) for _ in range(5))


def faults(env, *cmd):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    subprocess.run(cmd, env={**os.environ, **env}, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before


def forking(env):
    some, none = (faults(env, "bash", "-c", f"x=({{1..5000}}); for ((i = 0; i < {n}; i++)); do (:); done") for n in (50, 0))
    return (some - none) / 50


def calls(env, *cmd):
    return int(subprocess.run(cmd, env={**os.environ, **env}, check=True, capture_output=True).stdout)


def measure(b, way):
    few, many = way.pairs(FEW, LIVE), way.pairs(MANY, LIVE)
    base, full = way.pairs(LIVE, LIVE), way.pairs(FULL, FULL)
    counts = {
        "instructions": way.steps(64) - steps(b, [], 64),
        "pages": way.steps(6000) - steps(b, [], 6000),
        "exits": (many[0] - few[0]) / (MANY - FEW),
        "live": (full[1] - base[1]) / (FULL - LIVE),
        "dead": max(0, many[1] - few[1]) / (MANY - FEW),
    }
    if isinstance(way, Kvm):
        counts["call"] = (way.pairs(FEW, LIVE, 1000)[0] - few[0]) / 1000
    else:
        counts["handed"] = (way.handed(MANY) - way.handed(FEW)) / (MANY - FEW)
        counts["faults"] = way.beyond(faults, "expr", "1", "+", "2")
        counts["starting"] = way.beyond(faults, "true")
        counts["forking"] = way.beyond(forking)
        counts["asking"] = way.beyond(calls, f"{b}/kvm/syscalls", "/bin/true")
    return counts


def show(value):
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def table(files):
    counts = {}
    for name in files:
        for line in open(name, encoding="utf-8"):
            if m := re.match(r"counted (\S+) (\S+) (\S+)$", line.strip()):
                counts.setdefault(m[1], {})[m[2]] = float(m[3])
    print("| counted | " + " | ".join(counts) + " |")
    print("|---|" + "---|" * len(counts))
    for row, text in ROWS:
        cells = (show(c[row]) if row in c else "" for c in counts.values())
        print(f"| {text} | " + " | ".join(cells) + " |")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=("kvm", "host", "table"))
    p.add_argument("files", nargs="*")
    p.add_argument("-B", default="build")
    args = p.parse_args()
    if args.what == "table":
        return table(args.files)
    ways = ({"kvm": Kvm(args.B)} if args.what == "kvm"
            else {f"host-{m}": Host(args.B, m) for m in HOST_MODES})
    passed = failed = 0
    for name, way in ways.items():
        counts = measure(args.B, way)
        for row, text in ROWS:
            if row in counts:
                print(f"counted {name} {row} {counts[row]:.6g}", flush=True)
            if most := MOST[name].get(row):
                broken = counts[row] > most
                if broken:
                    print(f"counted: {name}: {text}: more than {most}")
                failed, passed = failed + broken, passed + (not broken)
    if args.what == "host":
        print(f"count: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
