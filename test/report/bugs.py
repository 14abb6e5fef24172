"""bugs.py - every program of test/bug by each compiler, -O0 and -O2, stripped and its debug file apart (run.py --bugs).

Function names, lines and inlined frames of every frame in it, as LLVM's symbolizer tells them of the program before it
was stripped (binutils' addr2line confuses files where the numbers are DWARF 5's). Minutes: a part of make check-long.
"""
import glob
import importlib.util
import json
import os
import re
import shutil

CLONE = r"\.(cold|constprop|isra|part)\b.*$"
BUG = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bug")


def bug_runner():
    """Of test/bug/run.py: what a program's first lines ask for."""
    spec = importlib.util.spec_from_file_location("bug_run", f"{BUG}/run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def binaries(t):
    """Of each program its binaries: name, source, flags; the shared object beside it is the second."""
    out = {}
    said = t.sh("awk", "-f", f"{BUG}/programs.awk", *sorted(glob.glob(f"{BUG}/*.c") + glob.glob(f"{BUG}/*.cc"))).stdout
    for line in said.split("\n")[:-1]:
        name, source, *flags = line.split("|")
        if ".twin" not in name:
            out.setdefault(name.removesuffix(".so"), []).append((name, source, flags))
    return out


def answers(t, whole, offsets):
    """LLVM's functions, files, lines and columns by offset, the innermost first; nothing where it knows no line.

    Names are GNU's by its own c++filt, for LLVM writes lambdas and standard types otherwise; and of a part of a function
    that has a symbol of its own (main.cold) LLVM says that, and we the function's name as DWARF has it.
    """
    said = json.loads(t.sh("llvm-symbolizer", "--no-demangle", "--output-style=JSON", f"--obj={whole}", *map(hex, offsets)).stdout)
    raw = {x["Address"]: [l for l in x["Symbol"] if l["FileName"]] for x in said}
    names = [re.sub(CLONE, "", l["FunctionName"]) for ls in raw.values() for l in ls]
    plain = dict(zip(names, t.sh("c++filt", input="".join(f"{n}\n" for n in names)).stdout.splitlines()))
    return {int(a, 16): [[plain[re.sub(CLONE, "", l["FunctionName"])], os.path.normpath(l["FileName"]), l["Line"], l["Column"]]
                         for l in ls] for a, ls in raw.items()}


def judged(t, modules, findings):
    """How many frames of these modules have lines, and of which LLVM says something else."""
    frames = [f for x in findings for k in x["stacks"] for f in k["frames"] if f.get("module") in modules]
    bad, n = [], 0
    for path, whole in modules.items():
        mine = [f for f in frames if f["module"] == path and not any(l.get("guessed") for l in f["lines"])]
        known = answers(t, whole, {int(str(f["offset"]), 0) for f in mine}) if mine else {}
        for f in mine:
            want = known[int(str(f["offset"]), 0)]
            got = [[l["function"], os.path.normpath(l["file"]), l["line"], l["column"]] for l in f["lines"]]
            inlined = [bool(l["inlined"]) for l in f["lines"]]
            n += len(got) > 0
            if want != got or inlined != ([True] * (len(got) - 1) + [False])[:len(got)]:
                bad.append((f["offset"], want, got, inlined))
    return n, bad


def one(t, prog, modes, parts, cc, level):
    """A program in the first mode that it is for."""
    home, aside = f"{t.W}/bugs", f"{t.W}/aside"
    modules = {}
    os.makedirs(home)
    for name, source, flags in parts:
        path, whole = f"{home}/{name}", f"{home}/{name}.whole"
        dialect = ("-std=gnu++17",) if source.endswith(".cc") else ("-std=gnu17", "-D_GNU_SOURCE")  # mk/bug.mk's
        t.compiled(source, cc, (level, "-pthread", *dialect, *flags), path)
        shutil.copy(path, whole)
        bid = t.build_id(path)
        t.split(path, f"{aside}/.build-id/{bid[:2]}/{bid[2:]}.debug")
        modules[path] = whole
    mode = next(m for m in modes if not prog.only or m in prog.only)
    options = ":".join(o for o in (re.sub(r":?(no-symbolize|symbolize_ms=\d+)", "", modes[mode]), prog.options, "no-symbolize") if o)
    rc, raw = t.program(options, f"{home}/{prog.name}", cwd=home)
    lines = t.sh(t.UD, "symbolize", "--format=json", f"--debug-dir={aside}", input=raw).stdout.splitlines()
    n, bad = judged(t, modules, [json.loads(x) for x in lines if x.startswith('{"undangle"')])
    name = f"{prog.name} {cc} {level}"
    if prog.moved and rc == 7:
        t.skipped(name, "realloc did not move")
    else:
        t.verdict(name, (True, []), (n > 0 or raw[-300:], bad[:3]))
    for d in (home, aside):
        shutil.rmtree(d)
    return n


def bugs(t, only):
    run, all_of, n = bug_runner(), binaries(t), 0
    for source in sorted(glob.glob(f"{BUG}/*.c") + glob.glob(f"{BUG}/*.cc")):
        for prog in run.programs(source):
            if not prog.name.startswith(tuple(only.split(","))):
                continue
            for cc in ("g++", "clang++") if source.endswith(".cc") else ("gcc", "clang"):
                if not shutil.which(cc):
                    t.skipped(f"{prog.name} {cc}", "not installed")
                    continue
                n += sum(one(t, prog, run.MODES, all_of[prog.name], cc, level) for level in ("-O0", "-O2"))
    print(f"# {n} frames with lines")
