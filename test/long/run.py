#!/usr/bin/python3
"""run.py -B BUILD [NAME...]: what takes minutes, or packages that make check does not install.

Not part of make check. Every case says what it needs and is skipped, with the reason, where that is missing.
Ends with "long: N passed, N failed[, N skipped]".
"""
import argparse
import glob
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HANG = 7200  # seconds; a limit for hangs only
ap = argparse.ArgumentParser()
ap.add_argument("-B", default="build")
ap.add_argument("--only", default="", help="symbols: programs whose names begin so")
ap.add_argument("names", nargs="*")
args = ap.parse_args()
B = os.path.abspath(args.B)
UD, LIB = f"{B}/undangle", f"{B}/libundangle.so"
count = {"passed": 0, "failed": 0, "skipped": 0}
W = tempfile.mkdtemp(prefix="undangle-long.")


class Missing(Exception):
    """What the case needs is not here."""


def verdict(name, want, got):
    count["passed" if want == got else "failed"] += 1
    print(f"ok {name}" if want == got else f"not ok {name}\n  want: {want}\n  got:  {got}", flush=True)


def need(*commands):
    for c in commands:
        if not shutil.which(c):
            raise Missing(f"{c} is not installed")


def sh(*cmd, **more):
    return subprocess.run(cmd, capture_output=True, timeout=HANG, stdin=subprocess.DEVNULL, **more)


def compiled(source, *flags, cc="gcc"):
    path = f"{W}/{os.path.basename(source).split('.')[0]}"
    subprocess.run([cc, "-g", "-w", "-o", path, source, *flags], check=True)
    return path


def report(prog, options="no-symbolize", **more):
    e = {"PATH": os.environ["PATH"], "LD_PRELOAD": LIB, "UNDANGLE_OPTIONS": options}
    return sh(prog, env=e, **more).stderr


def sarif():
    """SARIF by the schema that OASIS published, as an npm package ships it."""
    need("npm")
    try:
        import jsonschema
    except ImportError:
        raise Missing("python3-jsonschema is not installed") from None
    if sh("npm", "pack", "@microsoft/jest-sarif@1.0.0-beta.0", cwd=W).returncode:
        raise Missing("npm cannot fetch @microsoft/jest-sarif")
    sh("tar", "xzf", glob.glob(f"{W}/microsoft-jest-sarif-*.tgz")[0], "-C", W)
    schema = json.load(open(f"{W}/package/lib/schemas/sarif-2.1.0-rtm.5.json"))
    for source in sorted(glob.glob(f"{TOP}/demo/*.c*")):
        prog = compiled(source, "-O1", "-pthread", cc="g++" if source.endswith(".cc") else "gcc")
        open(f"{W}/log", "wb").write(report(prog))
        log = json.loads(sh(UD, "sarif", f"{W}/log").stdout)
        bad = [f"{list(e.path)}: {e.message[:200]}" for e in jsonschema.validators.validator_for(schema)(schema).iter_errors(log)]
        verdict(f"sarif {os.path.basename(source)}", (1, []), (len(log["runs"][0]["results"]), bad))


def page():
    """The page in a browser: what it shows, and that it fits into its window."""
    need("chromium")
    prog = compiled(f"{TOP}/test/report/inlined.c", "-O2")
    open(f"{W}/log", "wb").write(report(prog))
    sh(UD, "html", "-o", f"{W}/page.html", f"{W}/log", check=True)
    browser = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={W}/profile")
    for width in (1200, 400):
        shot = f"{W}/page-{width}.png"
        sh(*browser, f"--screenshot={shot}", f"--window-size={width},1000", f"file://{W}/page.html")
        verdict(f"page: {width} pixels", True, os.path.exists(shot) and os.path.getsize(shot) > 10000)
        if os.path.exists(shot):
            shutil.copy(shot, f"{B}/page-{width}.png")
    # the same page with a script of the test's own, which the page itself forbids
    text = open(f"{W}/page.html").read()
    text = re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("</body>", """<script>
        document.title = [document.documentElement.scrollWidth <= innerWidth, document.querySelectorAll('section').length,
            document.querySelectorAll('details[open] .here').length, getComputedStyle(document.querySelector('.here')).fontWeight,
            document.querySelector('a[href="#f1"]') && document.querySelector('#f1') !== null].join(' ')</script></body>""")
    open(f"{W}/asked.html", "w").write(text)
    for width in (1200, 500):
        dom = sh(*browser, "--dump-dom", f"--window-size={width},1000", f"file://{W}/asked.html").stdout.decode()
        title = re.search(r"<title>(.*?)</title>", dom)
        verdict(f"page: fits {width} pixels, one section, three open lines that are marked, links", "true 1 3 700 true",
                title and title[1])


def dwarf():
    """More than 100 MB of debug information: the answer within 2 s of processor time, with .debug_aranges or, as of clang, without."""
    source, types = f"{W}/large.c", f"{W}/types.c"
    shutil.copy(f"{TOP}/test/report/inlined.c", source)
    with open(types, "w") as out:
        for j in range(4000):
            out.write(f"struct s{j} {{ int a{j}; struct s{j} *next; char name_{j}[{j + 1}]; double d_{j}[3]; }};\n"
                      f"static __attribute__((used)) int f{j}(struct s{j} *p, int n) {{ int x = n; "
                      f"while (p) {{ x += p->a{j}; p = p->next; }} return x; }}\n")
    sh("gcc", "-g", "-O1", "-w", "-c", "-o", f"{types}.o", types, check=True)
    prog = compiled(source, "-O2", *[f"{types}.o"] * 100)  # all of it is static: one object a hundred times
    for name in ("aranges", "no aranges"):
        if name == "no aranges":
            sh("objcopy", "--remove-section", ".debug_aranges", prog, check=True)
        sections = sh("readelf", "-SW", prog).stdout.decode()
        size = sum(int(s, 16) for s in re.findall(r"\.debug_\w+ +PROGBITS +\w+ \w+ (\w+)", sections))
        raw = report(prog)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = subprocess.run([UD, "symbolize"], input=raw, capture_output=True, timeout=HANG).stdout.decode()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"# {size / 1e6:.0f} MB of DWARF, {name}: {took:.2f} s of processor time")
        verdict(f"dwarf, {name}: of 100 MB", True, size >= 100e6)
        verdict(f"dwarf, {name}: lines", 3, len(re.findall(r" in (?:touch|release|make) /.*/large\.c:\d+:\d+ \(inlined\)$", text, re.M)))
        verdict(f"dwarf, {name}: within 2 s", True, took < 2)


def symbols():
    """Every program of test/bug by each compiler, stripped: frames as LLVM's symbolizer tells them (test/report/bugs.py)."""
    need("llvm-symbolizer", "clang", "c++filt")
    p = sh("/usr/bin/python3", f"{TOP}/test/report/run.py", "-B", B, "--bugs", args.only, text=True)
    *said, last = p.stdout.splitlines() or [p.stderr]
    print("\n".join(said), flush=True)
    known = re.fullmatch(r"report: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?", last)
    for what, n in zip(count, known.groups() if known else (0, 1, 0)):
        count[what] += int(n or 0)
    if not known:
        print(f"not ok symbols: {last}")


FUZZED = """
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
	char b[16] = "", *volatile p = malloc(32);
	read(0, b, sizeof(b));
	if (b[0] == 'b') {
		free(p);
		if (b[1] == 'u')
			return p[8]; /* natively harmless: it reads what malloc left there */
	}
	return 0;
}
"""


def afl():
    """afl-fuzz finds a use after free that natively is no crash, by AFL_PRELOAD (docs/fuzzing.md)."""
    need("afl-fuzz", "afl-cc")
    open(f"{W}/fuzzed.c", "w").write(FUZZED)
    subprocess.run(["afl-cc", "-o", f"{W}/fuzzed", f"{W}/fuzzed.c"], capture_output=True, check=True)
    os.makedirs(f"{W}/in")
    open(f"{W}/in/seed", "w").write("aaaa")
    e = dict(os.environ, AFL_PRELOAD=LIB, UNDANGLE_OPTIONS="quiet:no-symbolize:no-stacks:log=/dev/null", AFL_NO_UI="1",
             AFL_SKIP_CPUFREQ="1", AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_BENCH_UNTIL_CRASH="1", AFL_NO_AFFINITY="1")
    p = sh("afl-fuzz", "-V", "300", "-m", "none", "-t", "20000", "-i", f"{W}/in", "-o", f"{W}/out", "--", f"{W}/fuzzed", env=e)
    crashes = [c for c in glob.glob(f"{W}/out/default/crashes/id*")]
    verdict("afl: a crash", True, len(crashes) > 0 or p.stdout[-600:])
    verdict("afl: it is the bug", ["bu"], sorted({open(c, 'rb').read(2).decode() for c in crashes}))


def packages():
    """The Debian packages: what lintian says, and that they install, run and go in a root of their own."""
    need("dh", "lintian", "debootstrap")
    made = sh("make", "-s", "deb", cwd=TOP)
    verdict("make deb", (0, b""), (made.returncode, made.stderr[-2000:] if made.returncode else b""))
    if made.returncode:
        return
    debs = glob.glob(f"{TOP}/build/deb/*.deb")
    said = sh("lintian", "--tag-display-limit", "0", *debs).stdout.decode()
    verdict("lintian", [], [s for s in said.splitlines() if s[:2] in ("E:", "W:") and "localhost" not in s])
    root = f"{W}/root"
    if sh("debootstrap", "--variant=minbase", "--include=gcc,libc6-dev,libdw1", "bookworm", root).returncode:
        raise Missing("debootstrap cannot make a root here")
    for d in debs:
        shutil.copy(d, f"{root}/tmp")
    shutil.copy(f"{TOP}/demo/list.c", f"{root}/tmp")
    inside = ("chroot", root, "sh", "-c")
    verdict("apt install", 0, sh(*inside, "apt-get install -y -qq /tmp/undangle_*.deb /tmp/libundangle-dev_*.deb").returncode)
    p = sh(*inside, "mount -t proc proc /proc; cd /tmp && gcc -g -O1 -w -o list list.c && undangle ./list; umount /proc")
    verdict("undangle ./list", True, b"in list_free /tmp/list.c:" in p.stderr)
    sh(*inside, "apt-get install -y -qq gdb")
    p = sh(*inside, "mount -t proc proc /proc; cd /tmp && gdb -q -batch -ex run -ex 'undangle addr $_siginfo._sifields._sigfault.si_addr' "
           "--args env LD_PRELOAD=/usr/lib/undangle/libundangle.so ./list; umount /proc")
    verdict("gdb has the commands", True, b"32 bytes inside a dead 40-byte block" in p.stdout)
    verdict("apt purge", 0, sh(*inside, "apt-get purge -y -qq undangle libundangle-dev").returncode)
    left = sh(*inside, "find / -xdev -iname '*undangle*' -not -path '/tmp/*' -not -path '/var/*'").stdout.decode()
    verdict("nothing is left", "", left)


CASES = {"sarif": sarif, "page": page, "dwarf": dwarf, "symbols": symbols, "afl": afl, "packages": packages}


def main():
    for name in args.names or CASES:
        try:
            CASES[name]()
        except Missing as why:
            count["skipped"] += 1
            print(f"skipped {name}: {why}")
    shutil.rmtree(W, ignore_errors=True)
    more = f", {count['skipped']} skipped" if count["skipped"] else ""
    print(f"long: {count['passed']} passed, {count['failed']} failed{more}")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
