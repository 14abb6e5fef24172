#!/usr/bin/python3
"""run.py - tests the tests: builds each mutant (mutants.py) and requires a suite to go red.

Works in a copy of the tree under BUILD/mutate; the programs of test/bug and test/ok are those of
BUILD, only the library differs. A mutant that does not apply, does not build, or stays green fails.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mutants import MUTANTS  # noqa: E402

MADE = ("src", "unit", "libundangle.so")  # what a mutant makes anew; it is put back, not made again


def copy_tree(build, tree):
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    for name in ("src", "cli", "include", "mk", "Makefile", "test", "tools"):
        subprocess.run(["cp", "-a", name, tree], check=True)
    os.makedirs(f"{tree}/build")
    for name in os.listdir(build):
        if name not in ("mutate", "check"):
            subprocess.run(["cp", "-a", f"{build}/{name}", f"{tree}/build"], check=True)
    os.makedirs(f"{tree}/build/unit", exist_ok=True)
    os.makedirs(f"{tree}/whole")
    subprocess.run(["cp", "-a", *(f"{tree}/build/{made}" for made in MADE), f"{tree}/whole"], check=True)


def run(tree, what):
    """True if the run is red, or never ends."""
    suite, only, *rest = what.split(":")
    if suite == "bug":
        cmd = ["/usr/bin/python3", "test/bug/run.py", "--only", only, "--modes", rest[0]]
    elif suite == "ok":
        cmd = ["/usr/bin/python3", "test/ok/run.py", "--only", only, "--profiles", rest[0]]
    else:
        cmd = ["sh", "-c", f"make -s build/unit/{only} && build/unit/{only}"]
    p = subprocess.run(["build/limit", "300", *cmd], cwd=tree, capture_output=True, text=True)
    return p.returncode != 0


@contextlib.contextmanager
def broken(tree, mutant):
    """The library of `tree` with that wrong in it: None, or why there is none."""
    name, file, old, new, red = mutant
    path = f"{tree}/{file}"
    text, age = open(path).read(), os.stat(path).st_mtime_ns
    if text.count(old) != 1:
        yield f"does not apply: its text is {text.count(old)} times in {file}"
        return
    with open(path, "w") as f:
        f.write(text.replace(old, new))
    try:
        # Unused functions and variables are part of being a mutant.
        made = subprocess.run(["make", "-s", "WERROR=-w", "build/libundangle.so"], cwd=tree,
                              capture_output=True, text=True)
        yield "does not build:\n" + made.stderr[-1500:] if made.returncode else None
    finally:
        with open(path, "w") as f:
            f.write(text)
        os.utime(path, ns=(age, age))
        for made in MADE:
            subprocess.run(["rm", "-rf", f"{tree}/build/{made}"], check=True)
            subprocess.run(["cp", "-a", f"{tree}/whole/{made}", f"{tree}/build"], check=True)


def mutate(tree, mutant):
    """Returns None if some suite saw it, else what is wrong."""
    with broken(tree, mutant) as wrong:
        if wrong:
            return wrong
        red = mutant[4]
        return None if any(run(tree, what) for what in red) else f"survives {' '.join(red)}"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("--only", default="")
    args = ap.parse_args()
    tree = os.path.abspath(f"{args.B}/mutate")
    copy_tree(args.B, tree)
    start, killed, failed = time.time(), 0, 0
    wanted = [m for m in MUTANTS if not args.only or m[0] in args.only.split(",")]
    # Unchanged, everything named is green: else red would mean nothing.
    for what in sorted({w for m in wanted for w in m[4]}):
        if run(tree, what):
            print(f"not ok unchanged: {what} is red by itself", flush=True)
            failed += 1
    for mutant in wanted:
        wrong = mutate(tree, mutant)
        if wrong:
            failed += 1
            print(f"not ok {mutant[0]}: {wrong}", flush=True)
        else:
            killed += 1
            print(f"ok {mutant[0]} is seen", flush=True)
    shutil.rmtree(tree, ignore_errors=True)
    print(f"{time.time() - start:.0f} s")
    print(f"mutate-programs: {killed} passed, {failed} failed")
    return 1 if failed or not killed else 0


if __name__ == "__main__":
    sys.exit(main())
