#!/usr/bin/python3
"""run.py - real programs must not notice us.

Every case runs natively and then under `undangle` once per profile (in quick, strict and adaptive take
the tiny size: there a free may be a system call, which a machine with slow page tables takes for 100 us); standard output, standard
error and exit status must be equal, and no report, warning of a finding or internal error may be
written. Natively the status must be 0: of what does not work without us, equal says nothing. A case is either

  cases/NAME.sh   a bash script; its shell and all that it starts are protected. $SIZE is tiny (for
                  a machine that is emulated), quick or full, $PWD an empty folder of its own,
                  $OK the folder test/ok, $TOP the source tree, $PROG the built test programs,
                  $PORT a port of 127.0.0.1 for a server that takes SO_REUSEADDR, as servers do.
                  What differs between any two runs (times, process ids) the script itself keeps
                  out of its output.
  prog/NAME.c(c)  a C or C++ program, built into $PROG (ok.mk)

Head lines of a case (`# ` or `// `): `needs: PROGRAM-OR-FILE...` (else skipped, with the reason);
`timeout: SECONDS` of processor time per run (default 60), or six times as long asleep (tools/limit.c); `profiles:
NAME,...` instead of those asked for; `also: NAME` with them, in quick; `options: name=value:...` for undangle;
`native: no` (the case checks itself); `findings: yes` (it has bugs on purpose; reports are no failure, internal
errors are); `host-only: REASON`: skipped on the other backend; `not-tiny: REASON`: skipped where the emulated
machine asks for that size.
"""

import argparse
import concurrent.futures
import difflib
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PROFILES = {
    "strict": ["--profile=debug", "--detect=strict"],
    "adaptive": ["--profile=debug", "--detect=adaptive"],
    "deferred": ["--detect=deferred"],
    "test": ["--profile=test"],
    "production": ["--profile=production"],
}
HEAD = re.compile(r"^(?:#|//) (needs|timeout|profiles|also|options|native|full-timeout|findings|host-only|not-tiny): *(.*)$")
FINDING = re.compile(r"ERROR|INTERNAL")
INTERNAL = re.compile(r"INTERNAL|panic")


class Case:
    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.head = {}
        with open(path) as f:
            for line in f:
                m = HEAD.match(line.rstrip())
                if m:
                    self.head[m.group(1)] = m.group(2)
                elif not line.startswith(("#", "//")):
                    break

    def lacking(self):
        path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin:/sbin"
        return [n for n in self.head.get("needs", "").split()
                if not (glob.glob(n) if "/" in n else shutil.which(n, path=path))]

    def command(self, args):
        if self.path.endswith(".sh"):
            return ["/bin/bash", self.path]
        return [f"{args.B}/ok/{self.name}"]

    def limit(self, args):
        full = self.head.get("full-timeout") if args.size == "full" else None
        return int(float(full or self.head.get("timeout", "60")) * args.patience)


def clean_env(args):
    keep = ("PATH", "HOME", "LANG", "USER", "TERM", "SHELL", "UNDANGLE_VM_CLOCK")
    env = {k: v for k, v in os.environ.items() if k in keep}
    # Distribution programs, not those of a developer's version manager.
    env["PATH"] = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    env.update(LC_ALL="C.UTF-8", OK=HERE, TOP=TOP, PROG=f"{args.B}/ok",
               UNDANGLE=f"{args.B}/undangle", B=args.B)
    return env


def delayed(args):
    """What makes each of the named system calls take longer, natively and with us: the best finder of races."""
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={args.delay}",
            "-e", f"inject={args.delay}:delay_enter={args.delay_us}"] if args.delay else []


def size_of(args, profile):
    return "tiny" if args.size == "quick" and profile in ("strict", "adaptive") else args.size


def one_run(args, case, profile, size):
    """Runs the case once. Returns (status, stdout, stderr, findings, seconds)."""
    work = tempfile.mkdtemp(prefix=f"ok.{case.name}.")
    os.chmod(work, 0o755)
    home = os.path.join(work, "w")
    os.mkdir(home)
    cmd = case.command(args)
    env = clean_env(args)
    env.update(SIZE=size, TMPDIR=home)
    if profile:
        env["UNDANGLE_OPTIONS"] = ":".join(
            o for o in (case.head.get("options"), args.options) if o)
        cmd = [f"{args.B}/undangle", f"--backend={args.backend}", f"--log={work}/report.%p",
               *PROFILES[profile], "--"] + cmd
    cmd = [f"{args.B}/limit", str(case.limit(args))] + delayed(args) + cmd
    os.mkdir(work + "/log")
    os.chmod(work, 0o777)
    start = time.monotonic()
    with open(work + "/log/out", "w+b") as out, open(work + "/log/err", "w+b") as err, port_kept() as port:
        env["PORT"] = str(port.getsockname()[1])
        status = subprocess.run(cmd, cwd=home, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err).returncode
        took = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        texts = [f.read().decode(errors="replace").replace(home, "$PWD").replace(work, "$WORK")
                 for f in (out, err)]
        if args.delay:  # it talks about threads that end while they are delayed
            texts[1] = re.sub(r"^strace: .*\n", "", texts[1], flags=re.M)
    found, notes = "", ""
    for name in sorted(glob.glob(work + "/report.*")):
        text = open(name, errors="replace").read()
        if (INTERNAL if case.head.get("findings") == "yes" else FINDING).search(text):
            found += f"{os.path.basename(name)}:\n{text}"
        else:
            notes += text
    shutil.rmtree(work, ignore_errors=True)
    return status, texts[0], texts[1], found, notes, took


def port_kept():
    """A socket that has a port of its own: the kernel gives that to nobody who does not ask for it by number."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    return s


def difference(want, got, what):
    if want == got:
        return []
    lines = list(difflib.unified_diff(want.splitlines(), got.splitlines(), f"native {what}",
                                      f"ours {what}", lineterm="", n=1))
    if len(lines) > 40:
        lines = lines[:40] + ["..."]
    return lines


def run_case(args, case):
    """Returns (lines to print, passed, failed, skipped)."""
    why = case.head.get("host-only") if args.backend != "host" else None
    why = why or (case.head.get("not-tiny") if args.size == "tiny" else None)
    if why:
        return [f"skipped {case.name}: {why}"], 0, 0, 1
    lack = case.lacking()
    if lack:
        return [f"skipped {case.name}: not here: {' '.join(lack)}"], 0, 0, 1
    alone = case.head.get("native") == "no"
    lines, passed, failed, natives = [], 0, 0, {}
    also = case.head.get("also", "") if args.size == "quick" else ""
    for profile in dict.fromkeys(f"{case.head.get('profiles', args.profiles)},{also}".strip(",").split(",")):
        size = size_of(args, profile)
        if size not in natives:
            natives[size] = (0, "", "", "", "", 0) if alone else one_run(args, case, None, size)
        native = natives[size]
        if native[0] != 0:
            said = [f"    {line}" for text in native[1:4] for line in text.splitlines()[-30:]]
            return [f"not ok {case.name}: natively: {native[0]}", *said], passed, failed + 1, 0
        status, out, err, found, notes, took = one_run(args, case, profile, size)
        bad = []
        if status != native[0]:
            bad.append(f"status: native {native[0]}, ours {status}")
        if not alone:
            bad += difference(native[1], out, "output")
            bad += difference(native[2], err, "errors")
        elif bad:
            bad += (out + err).splitlines()[-30:]
        bad += found.splitlines()[:60]
        time_text = f"{took:.1f} s" + ("" if alone else f", native {native[5]:.1f} s")
        if bad:
            failed += 1
            lines.append(f"not ok {case.name} [{profile}] ({time_text})")
            lines += ["    " + b for b in bad]
        else:
            passed += 1
            lines.append(f"ok {case.name} [{profile}] ({time_text})")
        lines += ["    note: " + n for n in notes.splitlines()[:5]]
    return lines, passed, failed, 0


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("-j", type=int, default=2)
    ap.add_argument("--backend", default="host")
    ap.add_argument("--size", default="quick", choices=["tiny", "quick", "full"])
    ap.add_argument("--profiles", default="adaptive,production")
    ap.add_argument("--only", default="")
    ap.add_argument("--options", default="")
    ap.add_argument("--cases", help="a folder of cases instead of cases/ and prog/")
    ap.add_argument("--patience", type=float, default=1, help="factor on every time limit")
    ap.add_argument("--delay", help="CALL,...: strace delays each of these system calls")
    ap.add_argument("--delay-us", type=int, default=5000, help="by so many microseconds")
    args = ap.parse_args()
    args.B = os.path.abspath(args.B)
    if args.delay and subprocess.run(delayed(args) + ["true"]).returncode:
        sys.exit(2)  # strace has said why
    where = [os.path.abspath(args.cases) + "/*.sh"] if args.cases else [f"{HERE}/{p}" for p in ("cases/*.sh", "prog/*.c", "prog/*.cc")]
    cases = [Case(p) for w in where for p in sorted(glob.glob(w))]
    if args.only:
        cases = [c for c in cases if any(c.name.startswith(o) for o in args.only.split(","))]
    start, total = time.monotonic(), [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        jobs = [pool.submit(run_case, args, c) for c in cases]
        for job in concurrent.futures.as_completed(jobs):
            lines, *counts = job.result()
            total = [a + b for a, b in zip(total, counts)]
            print("\n".join(lines), flush=True)
    skipped = f", {total[2]} skipped" if total[2] else ""
    print(f"{time.monotonic() - start:.0f} s on backend {args.backend}, {args.size} size")
    print(f"ok: {total[0]} passed, {total[1]} failed{skipped}")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
