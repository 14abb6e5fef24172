"""pages.py: undangle sarif and undangle html, on real reports, on names that want escaping, on broken ones.

run.py's part for the verbs that read many reports; t is run.py itself.
"""
import html.parser
import json
import os
import random
import re
import subprocess

NAME = "std::less<char const&>::operator()(char const*, \"a\\b\", '<script>alert(1)</script>')"
HARD = f"""noise before
undangle: ERROR: use-after-free: READ of size 4 at 0x1000, 4 bytes inside a 40-byte block freed by thread T0 (main)
  process 7 (a<b>"c'&d)
  used by thread T0 (main), tid 7:
    #0 0x0000000000001234 in {NAME} /tmp/a dir/<b>&"c'.cc:3:1
    #1 0x0000000000001235 in x\udcff\udce2\udc82y+0x4 (/tmp/p\udcfe q+0x1235) (BuildId: 0123)
    #2 0x0000000000001236 (<unknown module>)
  signature: 0123456789abcdef
undangle: hint: none
noise after
"""


class Page(html.parser.HTMLParser):
    """Every tag that is opened is closed, in order, and of those that we write."""
    VOID = {"meta"}
    KNOWN = set("html head meta title style body h1 h2 h3 p table tr th td a code section details summary pre span b "
                "div".split())

    def __init__(self, page):
        super().__init__()
        self.open, self.bad, self.text = [], [], ""
        self.feed(page)
        self.close()
        if self.open:
            self.bad.append(("not closed", self.open))

    def handle_starttag(self, tag, attrs):
        if tag not in self.KNOWN or any(k.startswith("on") or k in ("src",) for k, _ in attrs):
            self.bad.append(("tag", tag, attrs))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append(("closes", tag))

    def handle_data(self, data):
        self.text += data


def write(t, verb, *names, text=None):
    data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    p = subprocess.run([t.UD, verb, *names], input=data, capture_output=True, timeout=t.SLOW)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def valid(t, log):
    """The problem, or None."""
    import jsonschema
    try:
        jsonschema.validate(json.loads(log), json.load(open(f"{t.HERE}/sarif.schema.json")))
    except (jsonschema.ValidationError, ValueError) as e:
        return str(e)[:300]
    return None


def places(log):
    """Of each result its signature, how often, and the file and line of its use."""
    return [(r["partialFingerprints"]["undangleSignature/v1"], r["occurrenceCount"],
             os.path.basename(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]),
             r["locations"][0]["physicalLocation"].get("region", {}).get("startLine"))
            for r in json.loads(log)["runs"][0]["results"]]


def real(t):
    """Two runs of one bug are one result, whatever form they were written in; another bug is another."""
    prog, other = f"{t.W}/prog", f"{t.W}/other"
    t.build("inlined.c", "gcc", ("-O2",), prog)
    t.build("classes.cc", "g++", ("-O2",), other)
    for name, options, path in (("raw", "no-symbolize", prog), ("text", t.PATIENT, prog),
                                ("json", f"format=json:{t.PATIENT}", prog), ("other", "no-symbolize", other),
                                ("asan", f"format=asan:{t.PATIENT}", prog)):
        open(f"{t.W}/{name}.log", "w").write(t.program(options, path)[1])
    logs = [f"{t.W}/{n}.log" for n in ("raw", "text", "json", "asan")]
    signature = [s for s in open(logs[0]) if "signature: " in s][0].split()[1]
    want = (signature, 1, "inlined.c", t.marks("inlined.c")["touch"])
    for log in logs:
        rc, out, err = write(t, "sarif", log)
        t.verdict(f"sarif of {os.path.basename(log)}", (0, "", None, [want]), (rc, err, valid(t, out), places(out)))
    rc, out, err = write(t, "sarif", *logs, f"{t.W}/other.log")
    got = places(out)
    t.verdict("sarif: one result per signature", (None, 2, (signature, 4) + want[2:], 1),
              (valid(t, out), len(got), got[0], got[1][1]))
    page = f"{t.W}/page.html"
    rc, out, err = write(t, "html", *logs, f"{t.W}/other.log", "-o", page)
    page = Page(open(page).read())
    t.verdict("html: nothing on stdout", (0, "", ""), (rc, out, err))
    t.verdict("html: well-formed", [], page.bad)
    t.verdict("html: says how many, and shows the source", (True, True, True),
              ("5 findings, 2 of them different" in page.text, "told 4 times" in page.text, "line: touch" in page.text))
    page = Page(write(t, "html", "--no-source", logs[0])[1])
    t.verdict("html --no-source", (False, True), ("line: touch" in page.text, "inlined.c:" in page.text))


OWN = """
#include <iostream>
__attribute__((noinline)) void use(const std::string &s)
{
	std::cout << s; // line 5
}
int main()
{
	auto *s = new std::string("x");
	delete s; // line 10
	use(*s);
}
"""


def own(t, cc):
    """A header of the system is inlined where the bug is: what is shown is the program's own line, in each form."""
    path = f"{t.W}/own"
    at = f"{path}.cc"
    open(at, "w").write(OWN)
    t.compiled(at, cc, ("-O2",), path)
    raw = t.program("no-symbolize", path)[1]
    text = t.sh(t.UD, "symbolize", input=raw).stdout
    t.verdict(f"own line, {cc}: the header's are there, too", True,
              bool(re.search(r"used by .*\n    #0 .* \S+/include/c\+\+/\S+ \(inlined\)\n", text)))
    t.verdict(f"own line, {cc}: text", ["    5 |         std::cout << s; // line 5"], re.findall(r"^      > (.*)$", text, re.M))
    (result,) = json.loads(write(t, "sarif", text=raw)[1])["runs"][0]["results"]
    lines = [(p["physicalLocation"]["artifactLocation"]["uri"], p["physicalLocation"]["region"]["startLine"])
             for p in result["locations"] + result["relatedLocations"]]
    t.verdict(f"own line, {cc}: sarif", [(f"file://{at}", n) for n in (5, 10, 9)], lines)
    page = write(t, "html", text=raw)[1]
    t.verdict(f"own line, {cc}: html", (["5", "10", "9"], True),
              (re.findall(r"<details open>.*?class=\"here\"><span class=\"dim\"> *(\d+) ", page, re.S), "<code>use(" in page))
    spared = t.sh(t.UD, "symbolize", input=text.replace(at, f"{at}.gone")).stdout
    t.verdict(f"own line, {cc}: its file is not here", 1, len(re.findall(r"^      > .*$", spared, re.M)))


ASAN = """noise
==12==ERROR: AddressSanitizer: heap-use-after-free on address 0x6040 at pc 0x5571 bp 0x7f00 sp 0x7e00
WRITE of size 8 at 0x6040 thread T1 (worker)
    #0 0x5570 in put(box<int> const&, char (*)(int)) /src/a b/box.cc:31:7
    #1 0x5570 in run /src/run.c:9
    #2 0x7f11  (/lib/libc.so.6+0x2724a) (BuildId: 0123)
    #3 0x5569 in start(int (*)(int)) (/bin/prog+0x10a0)

0x6040 is located 8 bytes inside of 48-byte region [0x6038,0x6068)
freed by thread T0 here:
    #0 0x7f22 in __interceptor_free ../../asan/asan_malloc_linux.cpp:52
    #1 0x5580 in drop /src/run.c:6

SUMMARY: AddressSanitizer: heap-use-after-free /src/a b/box.cc:31:7 in put(box<int> const&, char (*)(int))
Shadow bytes around the buggy address:
  0x0c08: fa fa fd fd
==12==ERROR: AddressSanitizer: attempting double-free on 0x6040 in thread T0:
    #0 0x7f22 in __interceptor_free ../../asan/asan_malloc_linux.cpp:52
==12==ABORTING
noise
"""


def theirs(t):
    """AddressSanitizer's own reports; and what readers of its reports look for, in ours."""
    rc, out, err = write(t, "sarif", "--no-lines", text=ASAN)
    t.verdict("sarif of AddressSanitizer's", (0, "", None), (rc, err, valid(t, out)))
    got = json.loads(out)["runs"][0]["results"]
    t.verdict("... its findings", ["use-after-free", "double-free"], [r["ruleId"] for r in got])
    t.verdict("... its stacks", [[4, 2], [1]], [[len(s["frames"]) for s in r["stacks"]] for r in got])
    top = got[0]["stacks"][0]["frames"][0]["location"]
    t.verdict("... its names", ("put(box<int> const&, char (*)(int))", 31),
              (top["logicalLocations"][0]["fullyQualifiedName"], top["physicalLocation"]["region"]["startLine"]))
    for kind, head, summary in (
            ("double-free: free() of 0x1000, the start of a 40-byte block freed by thread T0 (main)",
             "==7==ERROR: AddressSanitizer: attempting double-free on 0x1000 in thread T0:",
             "SUMMARY: AddressSanitizer: double-free /a.c:3:1 in drop"),
            ("invalid-free: free() of 0x1004, 4 bytes inside a live 40-byte block",
             "==7==ERROR: AddressSanitizer: attempting free on address which was not malloc()-ed: 0x1004 in thread T0:",
             "SUMMARY: AddressSanitizer: bad-free /a.c:3:1 in drop")):
        text = (f"undangle: ERROR: {kind}\n  process 7 (a)\n  called by thread T0 (main), tid 7:\n"
                "    #0 0x0000000000001234 in drop /a.c:3:1\n    #1 0x0000000000001236 (<unknown module>)\n"
                "undangle: hint: none\n")
        lines = write(t, "symbolize", "--no-lines", "--format=asan", text=text)[1].splitlines()
        stack = lines[lines.index(head) + 1:] if head in lines else []
        t.verdict(f"asan: {kind[:12]}", (True, True, "    #0 0x1234 in drop /a.c:3:1", "", "==7==ABORTING"),
                  (head in lines, summary in lines, stack[0] if stack else None, stack[2] if stack else None, lines[-1]))


def hard(t):
    """Whatever a name holds: it comes out as it is, and breaks nothing."""
    rc, out, err = write(t, "sarif", "--no-lines", text=HARD)
    t.verdict("sarif: hard names", (0, "", None), (rc, err, valid(t, out)))
    use = json.loads(out)["runs"][0]["results"][0]["stacks"][0]["frames"]
    t.verdict("sarif: the name as it is", NAME, use[0]["location"]["logicalLocations"][0]["fullyQualifiedName"])
    t.verdict("sarif: the path as a URI", "file:///tmp/a%20dir/%3Cb%3E%26%22c%27.cc",
              use[0]["location"]["physicalLocation"]["artifactLocation"]["uri"])
    t.verdict("sarif: no UTF-8", "x\ufffd\ufffd\ufffdy", use[1]["location"]["logicalLocations"][0]["fullyQualifiedName"])
    rc, out, err = write(t, "html", "--no-lines", text=HARD)
    page = Page(out)
    t.verdict("html: hard names", (0, "", []), (rc, err, page.bad))
    t.verdict("html: the names as they are", (True, True, True),
              (NAME in page.text, "a<b>\"c'&d" in page.text, "x\ufffd\ufffd\ufffdy" in page.text))
    rc, out, err = write(t, "sarif", text="")
    t.verdict("sarif: no finding", (0, None, []), (rc, valid(t, out), json.loads(out)["runs"][0]["results"]))


def broken(t, raw):
    rnd = random.Random(41)
    bad = []
    for i in range(60):
        text = bytearray((HARD if i % 2 else raw).encode(errors="surrogateescape"))
        for _ in range(rnd.randrange(1, 12)):
            at = rnd.randrange(len(text))
            if rnd.randrange(2):
                text[at] = rnd.randrange(256)
            else:
                text[at:at] = bytes(rnd.choice(b'<>&"\'\\:+()#0x \n\xff\xc3') for _ in range(5))
        verb = ("sarif", "html")[i // 2 % 2]
        rc, out, err = write(t, verb, "--no-lines", "--no-source", text=bytes(text))
        wrong = valid(t, out) if verb == "sarif" else Page(out).bad or None
        if rc or err or wrong:
            bad.append((verb, rc, err[:200], wrong, bytes(text)))
    t.verdict("sarif, html: broken reports", [], bad[:2])


def refusals(t):
    for args, why in (((f"{t.W}/none",), f"sarif: {t.W}/none: No such file or directory"),
                      ((t.W,), f"sarif: {t.W}: Is a directory"),
                      (("-o",), "sarif: -o: the name of a file follows"),
                      (("-o", f"{t.W}/no/where"), f"sarif: -o {t.W}/no/where: No such file or directory"),
                      (("--lines",), "sarif: unknown option '--lines'; there are -o FILE, --debug-dir=DIR, --no-lines "
                       "and --no-source"),
                      ((f"--debug-dir={t.W}/none",), f"sarif: --debug-dir={t.W}/none: No such file or directory"),
                      (("--debug-dir=/dev/null",), "sarif: --debug-dir=/dev/null: Not a directory"),
                      (("-o", "/dev/full"), "sarif: cannot write: No space left on device")):
        t.verdict(f"sarif {' '.join(args)}", (2, "", f"undangle: {why}\n"), write(t, "sarif", *args, text=""))


def pages(t, raw):
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        t.skipped("sarif and html", "python3-jsonschema is not installed")
        return
    real(t)
    for source, cc in t.compilers():
        if source.endswith(".cc"):
            own(t, cc)
    theirs(t)
    hard(t)
    broken(t, raw)
    refusals(t)
