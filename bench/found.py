#!/usr/bin/python3
"""found.py: how many of the bug programs (test/bug) each mode and each other tool finds.

    found.py -B BUILD [--peer NAME=PATH]... [--configs NAME,...] [--only PREFIX] [--names]

Each program runs as it is, with nothing between its free and its stale use; each twin, the correct program,
likewise. right: stopped or reported with the kind of bug that it is, in that tool's words; stopped: it ended
otherwise than without the tool, which says that something is wrong and not what; false: twins that it does not
leave alone. Programs that judge a child or a handler of their own count by their exit status.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../test/bug")
import peers  # noqa: E402
import run as bug  # noqa: E402

LIMIT = 60


def execute(args, peer, prog, twin):
    """Status and output of the program, or of its twin."""
    top = f"{args.B}/asan" if peer.asan else args.B
    binary = f"{top}/bug/{prog.name}" + (".twin" if twin else "")
    options = ":".join(o for o in (peer.env.get("UNDANGLE_OPTIONS"), "no-symbolize", prog.options) if o)
    own = dict(peer.env, **({"UNDANGLE_OPTIONS": options} if peer.says is peers.OURS else {}))
    cmd = ["env"] + [f"{k}={v}" for k, v in own.items()] + peer.prefix + [binary]
    try:
        r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=LIMIT, start_new_session=True)
    except subprocess.TimeoutExpired:
        return "hung", ""
    return r.returncode, r.stdout.decode(errors="replace")


def judge(args, peer, prog, plain):
    """right, stopped or unseen; and whether the twin is left alone. plain: (status, output) with nothing, of both."""
    kind = prog.expect["kind"]
    status, out = execute(args, peer, prog, False)
    says = peer.says.get(kind)
    if says and re.search(says, out):
        verdict = "right"
    elif (status, out) != plain[False] and (status != 0 or out):
        verdict = "stopped"
    else:
        verdict = "unseen"
    return verdict, execute(args, peer, prog, True) == plain[True]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("-j", type=int, default=2)
    ap.add_argument("--peer", action="append", default=[])
    ap.add_argument("--configs", default="")
    ap.add_argument("--only", default="")
    ap.add_argument("--names", action="store_true", help="and the programs that each does not see, on stderr")
    args = ap.parse_args()
    args.B = os.path.abspath(args.B)
    paths = sorted(glob.glob("test/bug/*.c") + glob.glob("test/bug/*.cc"))
    progs = [p for path in paths for p in bug.programs(path) if p.name.startswith(args.only)]
    progs = [p for p in progs if "detect" not in p.options and not p.sampled]
    nothing = peers.Peer("glibc")
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        plain = list(pool.map(lambda p: {t: execute(args, nothing, p, t) for t in (False, True)}, progs))
        kinds = [k for k in peers.OURS if any(p.expect["kind"] == k for p in progs)]
        total = {k: sum(p.expect["kind"] == k for p in progs) for k in kinds}
        print("| of bugs, by kind | " + " | ".join(f"{k} ({total[k]})" for k in kinds) + f" | false, of {len(progs)} |")
        print("|---|" + "---|" * (len(kinds) + 1), flush=True)
        for peer in peers.chosen(f"{args.B}/libundangle.so", True, args.peer, args.configs):
            seen = list(pool.map(lambda x: judge(args, peer, *x), zip(progs, plain)))
            if args.names:
                print(peer.name, *(p.name for p, (v, _) in zip(progs, seen) if v == "unseen"), file=sys.stderr)
            cells = []
            for k in kinds:
                of = [v for p, (v, _) in zip(progs, seen) if p.expect["kind"] == k]
                cells.append(f"{of.count('right')}" + (f" + {of.count('stopped')}" if of.count("stopped") else ""))
            print(f"| {peer.name} | " + " | ".join(cells) + f" | {sum(not alone for _, alone in seen)} |", flush=True)


if __name__ == "__main__":
    main()
