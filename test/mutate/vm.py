#!/usr/bin/python3
"""vm.py - mutants of the kvm backend that need ring 0: each library is built here, then one boot of
the QEMU machine runs them all. Of each, its command must fail; with the unchanged library all pass.

What no emulator shows (a translation left in another processor's TLB) is in kvm.list, on model vCPUs.
"""

import argparse
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import broken, copy_tree  # noqa: E402


def bug(only):
    return f"/usr/bin/python3 test/bug/run.py -B $B --backend kvm --modes strict --only {only}"


AT_ONCE = "$B/undangle --backend=kvm --no-stacks --log=/dev/null -- build/kvm/atonce"


# (name, file, old text, new text, command that must fail). `old` is in the file exactly once. A dead argument
# that is forwarded, or tombstones of 0, are not here: the kernel then answers EFAULT, and that is looked at, too.
MUTANTS = [
    ("kill-without-invlpg", "src/kvm/kalias.h", 'dune_invlpg(vaddr_ptr(va));', ";",
     AT_ONCE),
    ("fork-child-shares-tables", "src/dune/page.c",
     "\t\t\tMAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE",
     "\t\t\tMAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE",
     bug("uaf-fork-child,uaf-fork-parent,uaf-fork-small")),
    ("row-pointer-is-value", "src/base/syscalls.def", "SYS(1, write, V, PIN(3, 1), V)", "SYS(1, write, V, V, V)",
     bug("uaf-call-write")),
]

GUEST = """
for m in unchanged $NAMES; do
	B=build/mutate-vm/$m
	while read -r name command; do
		[ $m = unchanged ] || [ $m = "$name" ] || continue
		export B
		timeout 100 bash -c "$command" >/tmp/log 2>&1 </dev/null
		echo "RESULT $m $name $?"
	done <build/mutate-vm/commands
done
"""


def make_library(tree, out, mutant):
    """None, or what is wrong."""
    with broken(tree, mutant) as wrong:
        if not wrong:
            directory(out, mutant[0], f"{tree}/build")
        return wrong


def directory(out, name, build):
    os.makedirs(f"{out}/{name}")
    for f in ("undangle", "libundangle.so"):
        shutil.copy(f"{build}/{f}", f"{out}/{name}/{f}")
    os.symlink("../../bug", f"{out}/{name}/bug")


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("--only", default="")
    args = ap.parse_args()
    tree, out = os.path.abspath(f"{args.B}/mutate"), os.path.abspath(f"{args.B}/mutate-vm")
    wanted = [m for m in MUTANTS if not args.only or m[0] in args.only.split(",")]
    shutil.rmtree(out, ignore_errors=True)
    copy_tree(args.B, tree)
    directory(out, "unchanged", args.B)
    wrong = {m[0]: make_library(tree, out, m) for m in wanted}
    built = [m for m in wanted if not wrong[m[0]]]
    with open(f"{out}/commands", "w") as f:
        f.writelines(f"{m[0]} {m[4]}\n" for m in built)
    with open(f"{out}/guest", "w") as f:
        f.write(f"NAMES='{' '.join(m[0] for m in built)}'\n{GUEST}")
    p = subprocess.run(["test/vm/qemu", "-t", "900", f"bash {args.B}/mutate-vm/guest"], capture_output=True, text=True)
    if p.returncode == 77:
        print(p.stdout.strip().splitlines()[-1])
        print("mutate-vm: 0 passed, 0 failed, 1 skipped")
        return 0
    results = {tuple(li.split()[1:3]): int(li.split()[3]) for li in p.stdout.splitlines() if li.startswith("RESULT ")}
    for m in built:
        name = m[0]
        if results.get(("unchanged", name), 1) != 0:
            wrong[name] = "its command is red with the unchanged library"
        elif results.get((name, name)) is None:
            wrong[name] = f"did not run: {p.stdout[-500:]}"
        elif results[(name, name)] == 0:
            wrong[name] = f"survives {m[4]}"
    for m in wanted:
        print(f"not ok {m[0]}: {wrong[m[0]]}" if wrong[m[0]] else f"ok {m[0]} is seen", flush=True)
    failed = sum(1 for w in wrong.values() if w)
    shutil.rmtree(tree, ignore_errors=True)
    print(f"mutate-vm: {len(wanted) - failed} passed, {failed} failed")
    return 1 if failed or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
