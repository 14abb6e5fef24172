#!/usr/bin/python3
"""run.py - runs the bug programs and compares the whole verdict of each.

The first lines of a program say what must happen:

  // expect: kind=use-after-free access=READ bytes=4 offset=8 block=40 status=139
  // expect: use=use>main free=drop>main alloc=make>main threads=alloc:a,free:b,use:a

kind, access, call, arg, what    as the report words them; moved: it died by realloc
bytes, offset, block             size of the access; place in the block, and the block's size
                                 (in all of these, * is any value)
status                           of the process as a shell sees it (139: SIGSEGV, 134: SIGABRT)
use, free, alloc                 functions of the three stacks, outermost last, as a subsequence; the
                                 first one is frame #0, unless it starts with ~
threads                          equal letters are the same thread, different letters are not
Further lines: `only: MODE,...` runs it in these modes alone; `options: a=b` adds options;
`reports: N` (default 1); `needs: CPUFLAG`; `MODE: key=value ...` overrides in one mode (`-`: no claim),
`kvm: key=value ...` on that backend; `host-only: REASON` is skipped on the other;
`sized:` what was asked for is known in every mode, not only the size class; `sampled:` so is all that is recorded;
`settle: MODE,...: REASON` has time to settle in these modes, too;
`moved:` status 7 means that realloc did not move, and then there is no bug;
`module` builds a shared object beside the program (programs.awk);
`each: LABEL KEY=VALUE...[: REMARK]`, once or more: a family of programs, FILE-LABEL, each compiled with
-DKEY=VALUE; where a line above expects KEY, it is that VALUE.

In test's profile a write may be found later (LATE). In it and by whole pages a use-after-free of a block of up to
1 MB may also stay unseen, and then the program must end as if nothing had happened: grouped promises that a freed
slot is not used again, not when it dies.

Every program also has a twin without the bug: it must print nothing and exit 0.
"""

import argparse
import concurrent.futures
import glob
import itertools
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import verdict  # noqa: E402

MODES = {
    "strict": "detect=strict",
    # So few frees die at once, without any time to settle.
    "adaptive": "detect=adaptive",
    "bare": "detect=adaptive:no-stacks",
    "deferred": "detect=deferred",
    # Likewise, where nothing is recorded nor filled: the shortest ways of single objects.
    "rows": "detect=deferred:stacks=off:no-poison",
    # As the production profile has it, but for the warnings: whole pages, nothing recorded.
    "pages": "detect=grouped:stacks=off:no-poison:strict-share=0",
    # Without any time to settle: what dies later is found when it does, or by what it is filled with.
    "test": "profile=test",
}
# What settle() in bug.h passes, for those that kill later.
BOUNDS = "defer_frees=64:defer_ms=20"
# Where the helper puts functions and lines in (it may take as long as this machine needs); in the
# other modes the library's own text is compared.
LINES = ("strict", "adaptive", "rows")
AT_ONCE = ("strict", "adaptive", "bare", "test")
for name in MODES:
    MODES[name] += ":symbolize_ms=60000" if name in LINES else ":no-symbolize"
# Of the programs, what no compiler of ours made.
STARTUP = ("?", "_start", "_init", "_fini", "__do_global_dtors_aux")
# What a report says without records: not who, not how much was asked for.
UNRECORDED = ("rows", "pages", "bare")
RECORDED = ("free", "alloc", "threads", "block", "moved")
CLASSES = {"rows": 32 << 10, "bare": 32 << 10, "pages": 1 << 20}  # larger blocks have a length of their own
DIRECTIVE = re.compile(r"^// ([a-z-]+)(?:: *(.*))?$")
TIMEOUT = {"host": 600, "kvm": 1000}  # seconds, for hangs only; in the emulated machine test/vm/suite counts processor time


class Program:
    def __init__(self, path, lines, label="", values=None):
        self.name = os.path.splitext(os.path.basename(path))[0] + label
        self.values = values or {}
        self.expect, self.override, self.only = {}, {}, None
        self.on_kvm, self.host_only = {}, ""
        self.options, self.reports, self.needs, self.moved = "", 1, [], False
        self.raw = self.sized = self.sampled = False
        self.settle = ()
        for word, text in lines:
            self.directive(word, text)
        if "kind" not in self.expect or "status" not in self.expect:
            sys.exit(f"{path}: no verdict expected")

    def directive(self, word, text):
        pairs = [(k, self.values.get(v, v)) for k, v in pairs_of(text)]
        if word == "expect":
            self.expect.update(pairs)
        elif word in MODES and pairs:
            self.override[word] = dict(pairs)
        elif word == "kvm":
            self.on_kvm = dict(pairs)
        elif word == "host-only":
            self.host_only = text
        elif word == "only":
            self.only = text.split(",")
        elif word == "options":
            self.options = re.sub(r"\w+", lambda m: self.values.get(m[0], m[0]), text)
        elif word == "settle":
            self.settle = text.split(":")[0].split(",")
        elif word == "reports":
            self.reports = int(text)
        elif word == "needs":
            self.needs = text.split()
        elif word == "moved":
            self.moved = True
        elif word == "raw":
            self.raw = True
        elif word in ("sized", "sampled"):
            self.sized, self.sampled = True, word == "sampled"


def pairs_of(text):
    return [p.rstrip(":").split("=", 1) for p in text.split() if "=" in p]


def programs(path):
    """The program of a file, or its family."""
    lines = []
    with open(path) as f:
        for line in itertools.takewhile(lambda line: line.startswith("//"), f):
            m = DIRECTIVE.match(line.rstrip())
            if m:
                lines.append((m[1], m[2] or ""))
    family = [text for word, text in lines if word == "each"]
    for text in family:
        yield Program(path, lines, "-" + text.split()[0], dict(pairs_of(text)))
    if not family:
        yield Program(path, lines)


def execute(args, binary, mode, prog):
    at_once = mode in AT_ONCE and mode not in prog.settle
    options = ":".join(o for o in (MODES[mode], "" if at_once else BOUNDS, prog.options) if o)
    cmd = [f"{args.B}/undangle", f"--backend={args.backend}", "--", binary]
    env = dict(os.environ, UNDANGLE_OPTIONS=options)
    if not at_once:
        env["BUG_SETTLE"] = "1"
    p = subprocess.Popen(cmd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, start_new_session=True)
    try:
        out, _ = p.communicate(timeout=TIMEOUT[args.backend])
        status = p.returncode if p.returncode >= 0 else 128 - p.returncode
    except subprocess.TimeoutExpired:
        status = "timeout"
    # The program's own session: nothing of it may stay behind.
    try:
        os.killpg(p.pid, 9)
    except ProcessLookupError:
        pass
    if status == "timeout":
        out, _ = p.communicate()
    return status, out.decode(errors="replace")


REFUSED = "the program asks for a seccomp filter: refused in ring 0"


def may_be_late(want):
    size = want.get("block", "*")
    return want["kind"] == "use-after-free" and (size == "*" or int(size) <= 1 << 20)


LATE = ", found "


def later(want):
    """The same bug, if nobody saw the write: who did it is not known, and what was written may be any of it."""
    kept = {k: v for k, v in want.items() if k in ("kind", "free", "alloc", "block", "moved")}
    threads = ",".join(t for t in want.get("threads", "").split(",") if t and not t.startswith("use:"))
    return dict(kept, access="WRITE", status="134", **({"threads": threads} if "," in threads else {}))


def case(args, prog, mode, twin):
    """One run; returns the list of complaints."""
    binary = f"{args.B}/bug/{prog.name}" + (".twin" if twin else "")
    status, out = execute(args, binary, mode, prog)
    if twin:
        if args.backend == "kvm":
            out = "".join(x for x in out.splitlines(True) if REFUSED not in x)
        bad = [] if status == 0 else [f"status: expected 0, got {status}"]
        return bad + ([f"expected silence, got:\n{out}"] if out else [])
    if prog.moved and status == 7 and not out:
        return []
    want = dict(prog.expect, **prog.override.get(mode, {}))
    if args.backend == "kvm":
        want.update(prog.on_kvm)
    # What it read was the filling, if it has a line `settle`: then it may know that something is wrong.
    unseen = status == 0 or (mode in prog.settle and isinstance(status, int) and status < 100)
    if mode in ("pages", "test") and unseen and not out and may_be_late(want) and not prog.sampled:
        return []
    if mode == "test" and want["kind"] == "use-after-free" and LATE in out and "found" not in want:
        want = later(want)
    if mode == "test" or mode in UNRECORDED:
        want = {k: v for k, v in want.items() if v != "-"}
    if mode in UNRECORDED and not prog.sampled:
        want = {k: v for k, v in want.items() if k not in RECORDED}
    reports = verdict.parse(out)
    bad = []
    if str(status) != want["status"]:
        bad.append(f"status: expected {want['status']}, got {status}")
    if len(reports) != prog.reports:
        bad.append(f"reports: expected {prog.reports}, got {len(reports)}")
    for r in reports:
        bad += verdict.compare(want, r)
        if args.backend == "host" and "block" in r and not prog.sized and \
                r["classed"] != (int(r["block"]) <= CLASSES.get(mode, -1)):
            bad.append("a size class is said to be the size, or the size to be a class")
        if args.lines and mode in LINES and not prog.raw:
            bad += [f"no line: {name} ({where})" for name, where in r["raw"]
                    if f"/bug/{prog.name}" in where and name not in STARTUP]
    return bad + ([f"output:\n{out}"] if bad else [])


def plan(args):
    flags = open("/proc/cpuinfo").read().split()
    paths = glob.glob("test/bug/*.c") + glob.glob("test/bug/*.cc")
    every = [p for path in sorted(paths) for p in programs(path)]
    prefixes = tuple(args.only.split(","))
    for prefix in prefixes:
        if not any(p.name.startswith(prefix) for p in every):
            sys.exit(f"test/bug/run.py: no program begins with {prefix}")
    for prog in every:
        if not prog.name.startswith(prefixes):
            continue
        for mode in args.modes.split(","):
            if prog.only and mode not in prog.only:
                continue
            lacking = "".join(f"this machine has no {n} " for n in prog.needs if n not in flags)
            for twin in (False, True):
                only_here = not twin and args.backend != "host" and prog.host_only
                yield prog, mode, twin, lacking or only_here


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("-j", type=int, default=2)
    ap.add_argument("--backend", default="host")
    ap.add_argument("--modes", default=",".join(MODES))
    ap.add_argument("--only", default="")
    args = ap.parse_args()
    args.B = os.path.abspath(args.B)
    # In ring 0 there is no helper; built without elfutils it says so.
    args.lines = args.backend == "host" and not subprocess.run(
        [f"{args.B}/undangle", "symbolize", "/dev/null"], capture_output=True, check=True).stderr
    start, count = time.time(), {"passed": 0, "failed": 0, "skipped": 0}

    def one(job):
        prog, mode, twin, lacking = job
        return job, (None if lacking else case(args, prog, mode, twin))

    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        for (prog, mode, twin, lacking), bad in pool.map(one, list(plan(args))):
            name = f"{prog.name}{' (twin)' if twin else ''} [{mode}]"
            if lacking:
                print(f"skipped {name}: {lacking}")
                count["skipped"] += 1
            elif bad:
                print(f"not ok {name}")
                for b in bad:
                    print("    " + b.replace("\n", "\n    "))
                count["failed"] += 1
            else:
                count["passed"] += 1
            sys.stdout.flush()
    skipped = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"{time.time() - start:.0f} s on backend {args.backend}")
    print(f"bug: {count['passed']} passed, {count['failed']} failed{skipped}")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
