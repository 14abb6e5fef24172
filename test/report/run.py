#!/usr/bin/python3
"""run.py -B BUILD [--bugs NAME,...]: what a report says of functions, lines and inlined frames, and that it is always told.

Programs of this folder, built by each compiler in each way that people ship binaries; where a line is
expected the source says "line: NAME" on it. Ends with "report: N passed, N failed[, N skipped]".
"""
import argparse
import contextlib
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

import bugs
import cores
import pages
import readers

LINE = re.compile(r"^    #\d+ 0x[0-9a-f]{16} in (.+?) (/\S+?):(\d+)(?::\d+)?(?: \((inlined|tail call, guessed)\))?$")
GUESSED = "tail call, guessed"
PATIENT = "symbolize_ms=60000"
ap = argparse.ArgumentParser()
ap.add_argument("-B", default="build")
ap.add_argument("--bugs", help="instead: bugs.py, for the programs whose names begin so ('' for all)")
args = ap.parse_args()
SLOW = 120 if args.bugs is None else 3600  # a limit for hangs only
B = os.path.abspath(args.B)
UD, LIB = f"{B}/undangle", f"{B}/libundangle.so"
HERE = os.path.dirname(os.path.abspath(__file__))
count = {"passed": 0, "failed": 0, "skipped": 0}
W = tempfile.mkdtemp(prefix="undangle-report.")
os.chmod(W, 0o755)


def verdict(name, want, got):
    good = want == got
    count["passed" if good else "failed"] += 1
    if not good:
        print(f"not ok {name}\n  want: {want}\n  got:  {got}", flush=True)


def skipped(name, why):
    count["skipped"] += 1
    print(f"skipped {name}: {why}")


def sh(*cmd, **more):
    return subprocess.run(cmd, capture_output=True, text=True, timeout=SLOW, **more)


def program(options, *cmd, cwd=W, **env):
    """Its status and standard error; started as a service would be, by two variables."""
    e = {"LD_PRELOAD": LIB, "PATH": os.environ["PATH"], "UNDANGLE_OPTIONS": options}
    e.update(env)
    p = sh(*cmd, env=e, cwd=cwd, stdin=subprocess.DEVNULL)
    return p.returncode, p.stderr


def marks(source):
    return {m[1]: n for n, line in enumerate(open(f"{HERE}/{source}"), 1)
            for m in [re.search(r"line: ([\w-]+)", line)] if m}


def stacks(text):
    """Of each section the frames with lines: function, file, line, inlined or GUESSED."""
    out, now = {}, None
    for line in text.splitlines():
        for word in ("used by", "freed by", "allocated by"):
            if line.startswith(f"  {word} thread"):
                now = out[word] = []
        m = LINE.match(line)
        if m and now is not None and m[2].startswith(HERE):
            now.append((m[1], os.path.basename(m[2]), int(m[3]), GUESSED if m[4] == GUESSED else bool(m[4])))
    return out


def expected(source):
    at = marks(source)
    c = source.endswith(".c")

    def stack(inner, outer):
        names = (inner, outer, "main") if c else {
            "touch": ("shop::box<int>::touch(int) const", "shop::use(shop::box<int> const&)", "main"),
            "release": ("shop::box<int>::release()", "shop::drop(shop::box<int>&)", "main"),
            "make": ("shop::box<int>::make()", "shop::get(shop::box<int>&)", "main"),
        }[inner]
        return [(names[0], source, at[inner], True), (names[1], source, at[outer], False),
                (names[2], source, at[f"main-{outer}"], False)]

    return {"used by": stack("touch", "use"), "freed by": stack("release", "drop"),
            "allocated by": stack("make", "get")}


def build(source, cc, flags, path):
    compiled(f"{HERE}/{source}", cc, flags, path)


def compiled(source, cc, flags, path):
    p = sh(cc, "-g", "-w", *flags, "-o", path, source, cwd=W)
    if p.returncode:
        raise SystemExit(f"cannot compile {source} with {cc}: {p.stderr}")


def build_id(path):
    return re.search(r"Build ID: ([0-9a-f]+)", sh("readelf", "-n", path).stdout)[1]


def split(path, debug):
    """Debug information to another file; the program keeps nothing but its code."""
    os.makedirs(os.path.dirname(debug), exist_ok=True)
    sh("objcopy", "--only-keep-debug", path, debug, check=True)
    sh("strip", path, check=True)


def compilers():
    for source, names in (("inlined.c", ("gcc", "clang")), ("classes.cc", ("g++", "clang++"))):
        for cc in names:
            if shutil.which(cc):
                yield source, cc
            else:
                skipped(f"{source} {cc}", "not installed")


def shapes():
    """The same frames whatever the compiler, put in while the program dies."""
    for source, cc in compilers():
        for flags in (("-O2",), ("-O2", "-gdwarf-4"), ("-O2", "-gsplit-dwarf")):
            path = f"{W}/prog"
            build(source, cc, flags, path)
            rc, err = program(PATIENT, path)
            name = f"{source} {cc} {' '.join(flags)}"
            verdict(f"{name}: status", -signal.SIGSEGV, rc)
            verdict(name, expected(source), stacks(err))


def partial():
    """Objects of two compilers: of one .debug_aranges says where it lies, and the other's lie between."""
    parts = [f"{W}/{name}.o" for name in ("first", "middle", "last")]
    for name, path in zip(("first", None, "last"), parts):
        if name:
            open(f"{W}/{name}.c", "w").write(f"int {name}(int n)\n{{\n\treturn n + 1;\n}}\n")
        compiled(f"{W}/{name}.c" if name else f"{HERE}/inlined.c", "gcc", ("-O2", "-c"), path)
    sh("objcopy", "--remove-section", ".debug_aranges", parts[1], check=True)
    sh("gcc", "-o", f"{W}/prog", *parts, check=True)
    verdict("inlined.c between others' tables of addresses", expected("inlined.c"), stacks(program(PATIENT, f"{W}/prog")[1]))


def matrix():
    """The same frames however the program was built, loaded and shipped: stripped, its debug information apart."""
    host, path = f"{W}/host", f"{W}/prog"
    sh("gcc", "-w", "-O1", "-o", host, f"{HERE}/host.c", check=True)
    kinds = {"pie": ((), (path,)), "no-pie": (("-no-pie",), (path,)),
             "opened": (("-shared", "-fPIC"), (host, path)), "gone": (("-shared", "-fPIC"), (host, path, "gone"))}
    for source, cc in compilers():
        for level in ("-O0", "-O2"):
            for kind, (flags, cmd) in kinds.items():
                if kind != "gone" or source.endswith(".c"):
                    shipments(source, cc, (level, *flags), kind, cmd)


def shipments(source, cc, flags, kind, cmd):
    """Of the three ways to have its debug information each takes the next."""
    path, aside = f"{W}/prog", f"{W}/aside"
    want = expected(source)
    if kind == "gone":  # used where it is no more, by the program
        want = {k: v[:-1] if k != "used by" else [] for k, v in want.items()}
    build(source, cc, flags, path)
    bid = build_id(path)
    way = ("whole", "by build id", ".gnu_debuglink")[count["passed"] % 3]
    name = f"{source} {cc} {flags[0]} {kind}"
    to = {"whole": f"{aside}/prog", "by build id": f"{aside}/.build-id/{bid[:2]}/{bid[2:]}.debug"}.get(way, f"{W}/prog.debug")
    os.mkdir(aside)
    if way == "whole":
        shutil.copy(path, to)
        sh("strip", path, check=True)
    else:
        split(path, to)
    if way == ".gnu_debuglink":
        sh("objcopy", f"--add-gnu-debuglink={to}", path, check=True)
    rc, raw = program("no-symbolize", *cmd)
    told = stacks(sh(UD, "symbolize", f"--debug-dir={aside}", input=raw).stdout)
    verdict(name, (-signal.SIGSEGV, {bid}, want),
            (rc, set(re.findall(rf"\({path}\+0x[0-9a-f]+\) \(BuildId: ([0-9a-f]+)\)", raw)), told))
    shutil.rmtree(aside, ignore_errors=True)


def tails():
    """Frames that tail calls took away are guessed where there is one way, and marked in every form that can."""
    at, path = marks("tail.c"), f"{W}/prog"

    def frames(*known):
        return [(name.split("-")[0], "tail.c", at[name], how) for name, how in known]

    used = frames(("last", False), ("middle", GUESSED), ("first", GUESSED), ("main-first", False))
    freed, got = (frames((inner, GUESSED), (f"main-{inner}", False)) for inner in ("drop", "get"))
    for cc, flags in (("gcc", ()), ("gcc", ("-gdwarf-4",)), ("gcc", ("-gsplit-dwarf",)), ("clang", ())):
        if not shutil.which(cc):
            skipped(f"tail calls {cc}", "not installed")
            continue
        build("tail.c", cc, ("-O2", *flags), path)
        raw = program("no-symbolize", path)[1]
        text = sh(UD, "symbolize", input=raw).stdout
        # clang describes calls of what is defined elsewhere only from version 15 on
        want = {"used by": used, "freed by": freed, "allocated by": got}
        told = stacks(text)
        if cc == "clang":
            want, told = used, told["used by"]
        verdict(f"tail calls {cc} {flags}", want, told)
        either = stacks(sh(UD, "symbolize", input=program("no-symbolize", path, "x")[1]).stdout)["used by"]
        verdict(f"tail calls {cc} {flags}: two ways", frames(("last", False), ("main-either", False)), either)
    build("tail.c", "gcc", ("-O2",), path)
    raw = program("no-symbolize", path)[1]
    text = sh(UD, "symbolize", input=raw).stdout
    verdict("tail calls: finished twice", text, sh(UD, "symbolize", input=text).stdout)
    line = sh(UD, "symbolize", "--format=json", input=raw).stdout
    verdict("tail calls: json read and written", line, sh(UD, "symbolize", "--format=json", input=line).stdout)
    verdict("tail calls: json to text", stacks(text), stacks(sh(UD, "symbolize", input=line).stdout))
    verdict("tail calls: json, sarif, html, asan", (4, 4, 4, 0),
            (line.count('"guessed":true'), sh(UD, "sarif", input=raw).stdout.count('"guessed":true'),
             sh(UD, "html", input=raw).stdout.count(f"({GUESSED})"),
             sh(UD, "symbolize", "--format=asan", input=raw).stdout.count("middle")))


def shipped():
    """Stripped: .gnu_debuglink, build id, debuginfod's cache; later and elsewhere; another file."""
    path, want = f"{W}/prog", expected("inlined.c")
    build("inlined.c", "gcc", ("-O2",), path)
    bid, whole = build_id(path), sh(UD, "symbolize", input=program("no-symbolize", path)[1]).stdout
    kept = f"{W}/kept/prog.debug"
    split(path, kept)
    rc, raw = program(PATIENT, path)
    verdict("stripped: no line of ours", {"used by": [], "freed by": [], "allocated by": []}, stacks(raw))
    verdict("stripped: the build id is the file's", {bid},
            set(re.findall(rf"\({re.escape(path)}\+0x[0-9a-f]+\) \(BuildId: ([0-9a-f]+)\)", raw)))
    verdict("stripped: it says why", True, f"no source line: {path}: no debug information" in raw)
    for lib, blamed in (("/usr/lib/libx.so", False), ("/opt/x/libx.so", True)):
        deep = whole.replace(f"#0 0x", f"#0 0x0000000000000001 in f+0x1 ({lib}+0x10)\n    #1 0x", 1)
        verdict(f"no debug information of {lib}: it says so", blamed, "no source line" in sh(UD, "symbolize", input=deep).stdout)
    os.mkdir(f"{W}/d")
    later = sh(UD, "symbolize", f"--debug-dir={W}/d", input=raw)
    verdict("--debug-dir without the file", raw, later.stdout)
    cache = f"{W}/cache/{bid}/debuginfo"
    os.makedirs(os.path.dirname(cache))
    shutil.copy(kept, cache)
    verdict("debuginfod's cache", want, stacks(program(PATIENT, path, DEBUGINFOD_CACHE_PATH=f"{W}/cache")[1]))
    shutil.copy(kept, f"{W}/d")
    verdict("--debug-dir with the program's name.debug, and no program", want,
            stacks(sh(UD, "symbolize", f"--debug-dir={W}/d", input=raw.replace(f"{W}/prog+", "/nowhere/prog+")).stdout))
    os.unlink(f"{W}/d/prog.debug")
    byid = f"{W}/d/.build-id/{bid[:2]}/{bid[2:]}.debug"
    os.makedirs(os.path.dirname(byid))
    shutil.copy(kept, byid)
    saved = f"{W}/saved.txt"
    open(saved, "w").write("before\n" + raw + "after\n")
    os.rename(path, f"{W}/moved")
    later = sh(UD, "symbolize", f"--debug-dir={W}/d", saved)
    verdict("later, without the program", want, stacks(later.stdout))
    verdict("what is no report goes through", ["before", "after"],
            [later.stdout.splitlines()[0], later.stdout.splitlines()[-1]])
    build("inlined.c", "gcc", ("-O0",), path)
    other = sh(UD, "symbolize", saved).stdout
    verdict("another program of that name", {"used by": [], "freed by": [], "allocated by": []}, stacks(other))
    verdict("another program: it says so", True, "the file is another one than the one that ran" in other)
    os.rename(f"{W}/moved", path)
    os.makedirs(f"{W}/.debug")
    os.rename(kept, f"{W}/.debug/linked")
    sh("objcopy", "--add-gnu-debuglink=.debug/linked", path, cwd=W, check=True)
    verdict(".gnu_debuglink", want, stacks(program(PATIENT, path)[1]))
    shutil.rmtree(f"{W}/.debug")


def forms():
    path = f"{W}/prog"
    build("inlined.c", "gcc", ("-O2",), path)
    raw, text = program("no-symbolize", path)[1], program(PATIENT, path)[1]
    signature = re.compile(r"^  signature: ([0-9a-f]{16})$", re.M)
    verdict("the signature is the same", signature.search(raw)[1], signature.search(text)[1])
    finished = sh(UD, "symbolize", input=raw).stdout
    verdict("finished later", stacks(text), stacks(finished))
    verdict("finished twice", finished, sh(UD, "symbolize", input=finished).stdout)
    at = marks("inlined.c")["touch"]
    verdict("the source line is marked", 1, len(re.findall(rf"^      > +{at} \| .*line: touch", text, re.M)))
    verdict("the block is drawn", 1, len(re.findall(r"^      0x[0-9a-f]+ \|\.{8}####\.{28}\| 0x", text, re.M)))
    rc, line = program(f"format=json:{PATIENT}", path)
    try:
        import jsonschema
        schema = jsonschema.Draft7Validator(json.load(open(f"{HERE}/../../docs/report.schema.json")))
        goes = program(f"format=json:on-error=continue:{PATIENT}", path)[1]
        verdict("json is as docs/report.schema.json has it", [1, 2], [line.count("\n"), goes.count("\n")])
        verdict("json: errors", [], [e.message for x in (line + goes).splitlines() for e in schema.iter_errors(json.loads(x))])
        verdict("json: the last line", {"undangle": 1, "summary": {"findings": 1, "processes": 1, "told": 1, "suppressed": 0}},
                json.loads(goes.splitlines()[-1]))
        verdict("json: a finding that lacks something is none", True,
                any(schema.iter_errors({k: v for k, v in json.loads(line).items() if k != "signature"})))
    except ImportError:
        skipped("json by its schema", "python3-jsonschema is not installed")
    verdict("json: the hint names no way to lines that are there", False, "symbolize" in json.loads(line)["hint"])
    verdict("json read and written", line, sh(UD, "symbolize", "--format=json", input=line).stdout)
    verdict("json to text", finished.splitlines()[2:4][0].split(",")[0],
            sh(UD, "symbolize", input=line).stdout.splitlines()[2].split(",")[0])
    rc, asan = program(f"format=asan:{PATIENT}", path)
    shape = [r"^==\d+==ERROR: AddressSanitizer: heap-use-after-free on address 0x[0-9a-f]+ at pc 0x[0-9a-f]+ "
             r"bp 0x[0-9a-f]+ sp 0x[0-9a-f]+$", r"^READ of size 4 at 0x[0-9a-f]+ thread T0$",
             rf"^    #0 0x[0-9a-f]+ in touch /.*/inlined.c:{at}(:\d+)?$", r"^freed by thread T0 here:$",
             r"^0x[0-9a-f]+ is located 8 bytes inside of 40-byte region \[0x[0-9a-f]+,0x[0-9a-f]+\)$",
             r"^previously allocated by thread T0 here:$",
             rf"^SUMMARY: AddressSanitizer: heap-use-after-free /.*inlined.c:{at}(:\d+)? in touch$"]
    verdict("asan", [], [s for s in shape if not re.search(s, asan, re.M)])
    return raw


LOCAL = """
#include <stdlib.h>
namespace {
struct item { int n; };
int read(item *p) { return p->n; }
template <typename F> __attribute__((noinline)) int call(F f, item *p) { return f(p); }
}
int main()
{
	item *volatile p = static_cast<item *>(calloc(1, sizeof(item)));
	free(p);
	return call([](item *q) { return read(q); }, p);
}
"""


def names(raw):
    """Of C++'s and Rust's functions as people write them, Rust's without the hash; nothing else is taken for one."""
    rust = {("r", "Node", "read", "h054d7f649fb856a2"): "r::Node::read",
            ("r", "main", "_$u7b$$u7b$closure$u7d$$u7d$", "h1fe516199df69181"): "r::main::{{closure}}",
            ("core", "ptr", "drop_in_place$LT$$LP$r..A$C$$RF$r..B$RP$$GT$", "h054d7f649fb856a2"):
                "core::ptr::drop_in_place<(r::A,&r::B)>",
            ("_$LT$r..A$u20$as$u20$r..B$GT$", "f", "habcdef0123456789"): "<r::A as r::B>::f",
            ("r", "$LT$", "h054d7f649fb856a"): "r::$LT$::h054d7f649fb856a",
            ("r", "h054d7f649fb856aX"): "r::h054d7f649fb856aX"}
    told = {f"_ZN{''.join(f'{len(p)}{p}' for p in parts)}E": want for parts, want in rust.items()}
    told |= {"_RNvMCshGpAVYOtgW1_1rNtB2_4Node4read": "<r::Node>::read", "_RNCNvCshGpAVYOtgW1_1r4main0B3_": "r::main::{closure#0}",
             "_RX": "_RX", "_Zebra": "_Zebra", "_ZN4shop3boxIiE4makeEv.cold": "shop::box<int>::make() [clone .cold]"}
    for name, want in told.items():
        text = raw.replace(" in use+", f" in {name}+").replace(f"{W}/", "/nowhere/")
        verdict(f"name: {name}", [want], re.findall(r" in (.*)\+0x[0-9a-f]+ \(/nowhere", sh(UD, "symbolize", input=text).stdout)[:1])
    open(f"{W}/local.cc", "w").write(LOCAL)
    compiled(f"{W}/local.cc", "g++", ("-O1",), f"{W}/local")
    call = "int (anonymous namespace)::call<main::{lambda((anonymous namespace)::item*)#1}>(main::{lambda((anonymous namespace)::item*)#1}, (anonymous namespace)::item*)"
    verdict("names of what is local to a file", [call, "main"],
            re.findall(r"^    #\d+ 0x[0-9a-f]{16} in (.*) /\S*/local.cc:\d+:\d+$", program(PATIENT, f"{W}/local")[1], re.M)[:2])


def readme():
    """The report in README is what the command says, but for numbers, times and the lines that are left out there."""
    top = f"{HERE}/../.."
    compiled(f"{top}/demo/list.c", "gcc", ("-O2",), f"{W}/list")

    def shape(line):
        line = re.sub(r"/\S*/demo/list.c", "demo/list.c", re.sub(r"\b(0x|tid |process |signature: )[0-9a-f]+", r"\1N", line))
        return re.sub(r"(less than|about) [\d.]+ s and (at most )?\d+ allocations? ago", "N s and N allocations ago", line)

    block = re.search(r"^    \$ build/undangle build/demo/list\n(.*?)^    Segmentation fault$", open(f"{top}/README.md").read(),
                      re.M | re.S)[1]
    want = [shape(line[4:]) for line in block.splitlines() if line.strip() != "..."]
    said = iter(shape(line) for line in program(PATIENT, f"{W}/list")[1].splitlines())
    verdict("README's report", [], [line for line in want if line not in said])


def hints():
    """The line on how to go on, by mistake and mode: nothing in it that would not help there."""
    path = f"{W}/hints"
    build("hints.c", "gcc", ("-O1",), path)
    strict, who = "--detect=strict stops at an earlier stale access, if there was one; ", "--stacks records who allocated and freed; "
    late = ("--detect=strict stops at the write itself; one past the end of the block before it in memory would look the same, "
            "--sample=1 stops at most of those; ")
    lines, gdb = "undangle symbolize [--debug-dir=DIR] REPORT names the source lines; ", "gdb --args undangle PROG stops "
    here = gdb + "here; undangle core CORE prints this from a core dump (ulimit -c)"
    goes, gone = "the program goes on: ", "without --exit-code " + gdb + "here"
    for kind, options, want in (
            ("write", "detect=strict", here), ("write", "", strict + here), ("write", "detect=strict:no-stacks", who + here),
            ("write", "detect=deferred", late + gdb + "where it was found, not at the write"),
            ("write", "profile=test:on-error=continue", late + "the program goes on"),
            ("write", "on-error=continue", strict + goes + "zeros are there now"), ("write", "exit-code=9", strict + gdb + "here"),
            ("write", "profile=production:sample=1", strict + here),
            ("twice", "", here), ("twice", "profile=production", who + here), ("twice", "exit-code=9", gone),
            ("twice", "on-error=continue", goes + "the call is ignored"),
            ("again", "on-error=continue", goes + "the call gives a new block of zeros"),
            ("local", "profile=production", here), ("local", "no-stacks", here), ("local", "", here), ("far", "", here),
            ("far", "profile=production", here)):
        for form in (f"{options}:no-symbolize".lstrip(":"), f"{options}:symbolize:{PATIENT}".lstrip(":")):
            said = re.findall(r"^undangle: hint: (.*)$", program(form, path, kind)[1], re.M)
            if "no-symbolize" in form:
                said = [x.replace(lines, "", 1) for x in said if lines in x]
            verdict(f"hint: {kind} {form}", [want], [x for x in said if lines not in x])


def age_of(line):
    return next((k.get("age") for k in json.loads(line)["stacks"] if k["role"] == "free"), None) if line else None


def ages():
    """How long ago a block was freed, in time and allocations: what is told may be late, never early."""
    path, told = f"{W}/age", {}
    build("age.c", "gcc", ("-O1",), path)
    for options, size in (("detect=strict", 40), ("detect=adaptive", 40), ("detect=deferred", 40), ("profile=test", 40),
                          ("detect=strict", 2000000), ("profile=production", 2000000), ("profile=production:sample=1", 40)):
        text = program(f"{options}:no-symbolize", path, str(size))[1]
        line = sh(UD, "symbolize", "--format=json", input=text).stdout
        age = age_of(line)
        verdict(f"age: {options} {size}", (True, True, True), age and (
            50 <= age["ms"] < 1000 * SLOW, age["allocations"] >= 500, not age["allocations_at_most"] or age["allocations"] < 600))
        if options == "detect=strict":
            verdict(f"age: {options} {size}: not only a bound", False, age and age["ms_at_most"])
        again = sh(UD, "symbolize", "--format=text", input=line).stdout
        verdict(f"age: {options} {size}: read and written", age, age_of(sh(UD, "symbolize", "--format=json", input=again).stdout))
        told[size] = line
    asan = program(f"detect=strict:format=asan:{PATIENT}", path, "40")[1]
    verdict("age: text, sarif, html, asan, and from there", (1, 2, 1, 1, 1),
            (sh(UD, "symbolize", "--format=text", input=told[40]).stdout.count(" allocations ago:\n"),
             sh(UD, "sarif", input=told[40]).stdout.count(" allocations ago"), sh(UD, "html", input=told[40]).stdout.count(" allocations ago"),
             asan.count(" allocations ago\n"), sh(UD, "html", input=asan).stdout.count(" allocations ago")))
    long = re.sub(r'"ms":\d+', '"ms":123456789', re.sub(r'"allocations":\d+', '"allocations":9876543210', told[40]))
    one = re.sub(r'"allocations":\d+', '"allocations":1', told[40])
    again = sh(UD, "symbolize", input=one).stdout
    verdict("age: of one allocation", (1, age_of(one)),
            (again.count(" 1 allocation ago:\n"), age_of(sh(UD, "symbolize", "--format=json", input=again).stdout)))
    verdict("age: of a long run", 1, sh(UD, "symbolize", input=long).stdout.count(" 123456 s and at most 9876543210 allocations ago:\n"))


def runs(pid):
    """Perhaps nobody reaps here whose parent is gone."""
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1][0] not in "ZX"
    except FileNotFoundError:
        return False


def helpers(path):
    """Whatever becomes of the helper: the report is there, once, and in time."""
    home = f"{W}/elsewhere"
    os.makedirs(home)
    shutil.copy(LIB, home)
    lib, helper = f"{home}/libundangle.so", f"{home}/undangle"
    whole = re.compile(r"\Aundangle: ERROR: .*\n  process \d+ \(prog\)\n  used by thread[^\0]*\n  signature: .*\n"
                       r"undangle: hint: .*\n\Z")

    def told(name, script, options="symbolize_ms=300", whole=whole, **env):
        if script is not None:
            open(helper, "w").write("#!/bin/sh\n" + script)
            os.chmod(helper, 0o755)
        start = time.time()
        rc, err = program(options, path, LD_PRELOAD=lib, **env)
        verdict(name, (-signal.SIGSEGV, True, 1, True),
                (rc, bool(re.match(whole, err)), err.count("used by thread"), time.time() - start < SLOW))

    told("no helper", None)
    told("a helper that fails", "exit 3\n")
    told("a helper that is killed", "kill -9 $$\n")
    born = time.time()
    told("a helper that hangs", f"echo $$ >{W}/hung; exec sleep 1000\n", "symbolize_ms=3000")
    pid = open(f"{W}/hung").read().strip() if os.path.exists(f"{W}/hung") else "none"
    while runs(pid) and time.time() - born < SLOW:
        time.sleep(0.05)
    verdict("... and is gone", False, runs(pid))
    told("a helper that is killed in its answer", "printf '  process 1 (prog)\\n  used by thread T0 (main), tid 1:\\n    #0 0x00'; "
         "kill -9 $$\n", PATIENT, whole=r"\Aundangle: ERROR: .*\n  process 1 \(prog\)\n  used by thread .*\n    #0 0x00\Z")
    told("a helper that never reads", "exec 0<&-; exit 0\n")
    open(helper, "w").write(f"#!/bin/sh\necho ran >{W}/ran\n")
    os.chmod(helper, 0o777)
    told("a helper that everybody may write", None)
    verdict("... was not run", False, os.path.exists(f"{W}/ran"))
    os.chmod(helper, 0o755)
    open(helper, "w").write(f"#!/bin/sh\nenv >{W}/env; ls -l /proc/self/fd | wc -l >{W}/fds; exit 1\n")
    told("its environment", None, PATIENT, HOME="/nowhere", SECRET="x", DEBUGINFOD_URLS="http://x.invalid")
    seen = open(f"{W}/env").read()
    verdict("... is a small one", (True, False, False, False),
            ("HOME=/nowhere" in seen, "SECRET" in seen, "LD_PRELOAD" in seen, "DEBUGINFOD_URLS" in seen))


def situations():
    """Where a program's own ways could get into the way."""
    build("places.c", "gcc", ("-O1", "-pthread"), f"{W}/places")
    want = stacks(program(PATIENT, f"{W}/places")[1])["used by"]
    verdict("places: lines", True, len(want) > 0)
    for how in ("thread", "small-stack", "child", "wait", "no-stderr", "nofile", "seccomp", "altstack"):
        log = f"{W}/log.{how}"
        e = {"LD_PRELOAD": LIB, "PATH": os.environ["PATH"],
             "UNDANGLE_OPTIONS": f"{PATIENT}:log={log}"}
        p = sh(f"{W}/places", how, env=e, cwd=W)
        text = open(log).read()
        verdict(f"places {how}", (0, "", 1, True),
                (p.returncode, p.stdout, text.count("used by thread"), text.endswith("a core dump (ulimit -c)\n")))
        if how not in ("nofile", "seccomp"):
            verdict(f"places {how}: lines", want[0], (stacks(text)["used by"] or [None])[0])
    e["UNDANGLE_OPTIONS"] = PATIENT
    p = sh(f"{W}/places", "fsize", env=e)
    verdict("places fsize", (0, want[0]), (p.returncode, (stacks(p.stderr)["used by"] or [None])[0]))
    if os.geteuid():
        skipped("places chroot", "not root")
        return
    p = sh(f"{W}/places", "chroot", env=e, cwd=W)
    later = stacks(sh(UD, "symbolize", input=p.stderr).stdout)
    verdict("places chroot: what libraries export has names", 3,
            len(re.findall(r" in __libc_start_main\+0x[0-9a-f]+ \(/\S*libc\.so\.6\+0x", p.stderr)))
    verdict("places chroot: finished where the files are", (0, 1, want[0], 0),
            (p.returncode, len(re.findall(r"^  process \d+ \(places\)$", p.stderr, re.M)), (later["used by"] or [None])[0],
             p.stderr.count("<unknown module>")))


def filtered(path):
    """Under a container's filter there are lines where the command began the run, or they are asked for by name."""
    want, less = stacks(program(PATIENT, path)[1]), {"used by": [], "freed by": [], "allocated by": []}
    sh("gcc", "-w", "-o", f"{W}/seccomp", f"{HERE}/../cli/seccomp.c", check=True)
    ptrace, clone = ("101", "errno"), ("56", "kill")
    for name, options, call, cmd, told in (
            ("by the command", None, ptrace, (UD, f"--symbolize-ms={SLOW}000", path), want),
            ("by variables", PATIENT, ptrace, (path,), less),
            ("by variables, asked for", f"{PATIENT}:symbolize", ptrace, (path,), want),
            ("that kills for a process, by variables", PATIENT, clone, (path,), less)):
        e = {"PATH": os.environ["PATH"]}
        if options:
            e |= {"LD_PRELOAD": LIB, "UNDANGLE_OPTIONS": options}
        p = sh("env", "-i", f"PATH={os.environ['PATH']}", f"{W}/seccomp", *call, "env", *[f"{k}={v}" for k, v in e.items()], *cmd)
        verdict(f"a filter {name}", (told, 1), (stacks(p.stderr), len(re.findall("^undangle: ERROR", p.stderr, re.M))))


def on_terminal(path, **env):
    """What a terminal of 40 columns gets."""
    ours, its = os.openpty()
    termios.tcsetwinsize(its, (24, 40))
    e = {"LD_PRELOAD": LIB, "PATH": os.environ["PATH"], "UNDANGLE_OPTIONS": PATIENT, **env}
    p = subprocess.Popen(path, env=e, stdin=subprocess.DEVNULL, stderr=its)
    os.close(its)
    said = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it any more
        while select.select([ours], [], [], SLOW)[0] and (part := os.read(ours, 4096)):
            said += part
    os.close(ours)
    p.wait(SLOW)
    return said.decode().replace("\r\n", "\n")


def colours(path):
    """On a terminal that has them, unless NO_COLOR is set to something; the words are the same, and no line is cut."""
    want = stacks(program(PATIENT, path)[1])
    for env, coloured in (({"TERM": "xterm"}, True), ({"NO_COLOR": "", "TERM": "xterm"}, True),
                          ({"NO_COLOR": "1", "TERM": "xterm"}, False), ({"TERM": "dumb"}, False), ({}, False)):
        text = on_terminal(path, **env)
        verdict(f"terminal {env}", (coloured, want), ("\33[" in text, stacks(re.sub("\33\\[[0-9;]*m", "", text))))


def noise(raw):
    """Broken reports: never more than what they say, never a crash."""
    rnd = random.Random(14)
    line = sh(UD, "symbolize", "--format=json", input=raw).stdout
    bad = []
    for i in range(120):
        text = bytearray((raw if i % 2 else line).encode())
        for _ in range(rnd.randrange(1, 12)):
            at = rnd.randrange(len(text))
            how = rnd.randrange(4)
            if how == 0:
                text[at] = rnd.randrange(256)
            elif how == 1:
                del text[at:at + rnd.randrange(40)]
            elif how == 2:
                text[at:at] = bytes(rnd.choice(b'0123456789abcdefx#+(){}[]":,\\ \n') for _ in range(9))
            else:
                text = text[:max(at, 1)]
        form = rnd.choice(("text", "asan", "json"))
        p = subprocess.run([UD, "symbolize", f"--format={form}"], input=bytes(text), capture_output=True,
                           timeout=SLOW)
        if p.returncode or p.stderr:
            bad.append((form, p.returncode, p.stderr[:200], bytes(text)))
    verdict("broken reports", [], bad[:2])


def frames_of(text, form):
    """What any form says of frames: addresses, and places that are whole."""
    out = sh(UD, "symbolize", "--format=json", input=text)
    found = [json.loads(s) for s in out.stdout.splitlines() if s.startswith('{"undangle"')]
    return (out.returncode, len(found), {(k["role"], f["pc"] if form == "raw" else "", f["offset"], l["function"], l["line"], l["column"])
            for x in found for k in x["stacks"] for f in k["frames"] for l in f["lines"]}, [x["kind"] for x in found])


def torn(raw):
    """Reports that end anywhere: what is whole is there, nothing that is half is taken for it."""
    rnd = random.Random(15)
    path, bad = f"{W}/prog", []
    text = sh(UD, "symbolize", input=raw).stdout
    asan = sh(UD, "symbolize", "--format=asan", input=raw).stdout
    for form, whole in (("raw", raw), ("text", text)):
        want = frames_of(whole, form)
        for _ in range(12):
            part = whole[:rnd.randrange(1, len(whole))]
            rc, n, got, kinds = frames_of(part, form)
            head = part.count("\n") > 0
            if rc or n != head or not got <= want[2] or (n and kinds != want[3]):
                bad.append((form, part[-60:], rc, n, kinds, sorted(got - want[2])))
    for verb in ("sarif", "html"):
        for whole in (raw, text, asan):
            part = whole[:rnd.randrange(1, len(whole))]
            p = sh(UD, verb, input=part)
            if p.returncode or p.stderr or (verb == "sarif" and len(json.loads(p.stdout)["runs"][0]["results"]) > 1):
                bad.append((verb, part[-60:], p.returncode, p.stderr))
    verdict("torn reports", [], bad[:3])

    # The program killed while it prints; its reader gone after some bytes. When that is does not matter.
    e = {"LD_PRELOAD": LIB, "PATH": os.environ["PATH"], "UNDANGLE_OPTIONS": f"{PATIENT}:log={W}/torn"}
    bad, want = [], frames_of(text, "text")
    for _ in range(6):
        p = subprocess.Popen(path, env=e, stdin=subprocess.DEVNULL)
        time.sleep(rnd.random() * 0.1)
        p.kill()
        p.wait(SLOW)
        part = open(f"{W}/torn").read() if os.path.exists(f"{W}/torn") else ""
        rc, n, got, kinds = frames_of(part, "text")
        if rc or n > 1 or not got <= want[2]:
            bad.append((part[-100:], rc, n, sorted(got - want[2])))
        if part:
            os.remove(f"{W}/torn")
    verdict("killed while it prints", [], bad[:2])
    ends = set()
    e["UNDANGLE_OPTIONS"] = PATIENT
    for _ in range(4):
        p = subprocess.Popen(path, env=e, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.read(p.stderr.fileno(), rnd.randrange(1, 400))
        p.stderr.close()
        ends.add(p.wait(SLOW))
    verdict("its reader goes", {-signal.SIGSEGV}, ends)


MANGLED = """undangle: ERROR: double-free: free() of 0x1000, the start of an 8-byte block freed by thread T0 (main)
  called by thread T0 (main), tid 1:
    #0 0x0000000000001000 in _ZN1a1bEv+0x1 (/x+0x1)
"""


def main():
    if sh(UD, "symbolize", "/dev/null").stderr:
        skipped("all of it", "built without libdw-dev")
    elif " in a::b()+0x1 " not in sh(UD, "symbolize", input=MANGLED).stdout:
        skipped("all of it", "built without libiberty-dev")
    elif args.bugs is not None:
        bugs.bugs(sys.modules[__name__], args.bugs)
    else:
        shapes()
        partial()
        matrix()
        tails()
        shipped()
        raw = forms()
        names(raw)
        ages()
        hints()
        readme()
        helpers(f"{W}/prog")
        situations()
        filtered(f"{W}/prog")
        colours(f"{W}/prog")
        noise(raw)
        torn(raw)
        pages.pages(sys.modules[__name__], raw)
        readers.readers(sys.modules[__name__])
        cores.cores(sys.modules[__name__])
    shutil.rmtree(W)
    more = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"report: {count['passed']} passed, {count['failed']} failed{more}")
    return 1 if count["failed"] or not (count["passed"] or count["skipped"]) else 0


if __name__ == "__main__":
    sys.exit(main())
