"""The form asan, as readers of AddressSanitizer's reports take it: what each looks for, in code of our own.

They cannot be run here, so this holds what their sources look for (2026):
 casr          ispras/casr, libcasr/src/asan.rs, execution_class.rs: gives up where there is no first frame, a stack does not
               end in an empty line, a frame lacks its address, or the SUMMARY's kind is not in its table
 clusterfuzz   google/clusterfuzz, stacktraces/__init__.py, constants.py: kind, address, access, up to three frames
 fuzzmanager   MozillaSecurity/FuzzManager, FTB/Signatures/CrashInfo.py: address and registers, frames numbered without a gap
 codechecker   Ericsson/codechecker, report-converter: the kind in its words, and the first file and line before an empty line
 asan_symbolize  LLVM's: frames that it puts lines into
"""
import json
import re

CASR_KINDS = {"double-free", "bad-free", "heap-use-after-free(read)", "heap-use-after-free(write)",
              "heap-buffer-overflow(read)", "heap-buffer-overflow(write)"}


def casr(text):
    """Its class, and of each frame of the crash: function, file, line; module for one without a line."""
    lines = [line.rstrip() for line in text.split("\n")]
    report = lines[next(i for i, s in enumerate(lines) if re.search(r"==\d+==\s*ERROR: AddressSanitizer:", s)):]
    kind = next(m[1] for m in (re.search(r"SUMMARY: *AddressSanitizer: (\S+)", s) for s in report) if m)
    access = re.search("READ|WRITE", report[1]) or re.search("READ|WRITE", report[2])
    if access and f"{kind}({access[0].lower()})" in CASR_KINDS:
        kind = f"{kind}({access[0].lower()})"
    if kind not in CASR_KINDS:
        raise ValueError(f"casr knows no {kind}")
    first = next(i for i, s in enumerate(report) if " #0 " in s)
    frames = []
    for s in report[first:report.index("", first)]:
        rest = s[re.match(r" *#[0-9]+ +0x[0-9a-f]+ *", s).end():].strip()
        named = rest.startswith("in ")
        module = re.search(r"\(([^(]+)\+0x[0-9a-f]+\)" if named else r"\((.+)\+0x[0-9a-f]+\)", rest)
        if module:
            rest = rest[:module.start()].strip()
        function, place = "", rest
        if named:
            rest = rest[3:].strip()
            if not rest:
                raise ValueError(f"casr finds no function in {s}")
            close = rest.rfind(")")
            at = close + 7 if close >= 0 and rest.startswith(") const ", close) else max(close, 0)
            space = rest.find(" ", at)
            function, place = (rest, "") if space < 0 else (rest[:space], rest[space:].strip())
        m = re.fullmatch(r"(.+?)(?::(\d+))?(?::(\d+))?", place) if place else None
        frames.append((function, m[1] if m else module and module[1], int(m[2] or 0) if m else 0))
    return kind, frames


def clusterfuzz(text):
    """Kind with access, address, and the functions of the first frames."""
    kind, address, state = "", "", []
    for s in text.splitlines():
        if "SUMMARY:" in s:
            continue
        bad = re.match(r".*AddressSanitizer: attempting free on address which was not malloc\(\)-ed: (0x[0-9a-f]+)", s)
        double = re.match(r".*AddressSanitizer.*double-free on (?:unknown address |address |)(0x[0-9a-f]+)", s)
        other = re.match(r".*ERROR: [a-zA-Z]+Sanitizer[: ]*(.*) on (?:unknown address |address |)([xX0-9a-fA-F]+)", s)
        access = re.match(r" *([^ ]*) of size ([^ ]*) at ([^ ]*)", s)
        frame = re.match(r"\s*#\d+\s+[xX0-9a-fA-F]+\s+(?:in\s*(.*) (?:[^ ]+:\d+|\(.*\))$|\((.*)\))", s)
        if bad or double:
            kind, address, state = "Invalid-free" if bad else "Heap-double-free", (bad or double)[1], []
        elif other:
            kind, address, state = other[1].lower().capitalize(), other[2], []
        if access:
            kind, address = f"{kind} {access[1]} {access[2]}", access[3]
        if state and ("allocated by thread" in s or "located in stack of thread" in s):
            break
        if frame and kind and not re.search("<unknown module>", s):
            state.append(frame[1] or frame[2])
    return kind, address, [re.split(r" ?[(\[]", f)[0] for f in state]


def fuzzmanager(text):
    """Address, registers, and how many frames; a gap in their numbers is an error."""
    address, registers, want, frames = None, None, 0, 0
    for s in text.splitlines():
        if address is None:
            m = re.search(r"\s[A-Za-z]+Sanitizer.*\s(?:on address|on unknown address|double-free on|not malloc\(\)-ed:)"
                          r"\s*0x([0-9a-f]+)", s)
            if not m:
                continue
            address = f"0x{m[1]}"
            registers = re.search(r"\spc\s+0x([0-9a-f]+)\s+(sp|bp)\s+0x([0-9a-f]+)\s+(sp|bp)\s+0x([0-9a-f]+)", s)
        parts = s.split()
        if not parts or not parts[0].startswith("#"):
            continue
        want = 0 if parts[0] == "#0" else want
        if parts[0] != f"#{want}" or len(parts) < 3:
            raise ValueError(f"fuzzmanager: {s}")
        want, frames = want + 1, frames + 1
    return address, bool(registers), frames


def codechecker(text):
    """Its checker, and the place that it shows: None where there is none."""
    lines = text.splitlines()
    at = next(i for i, s in enumerate(lines) if re.match(r"==\d+==(ERROR|WARNING): AddressSanitizer: \S", s))
    kind = "double-free" if re.search(r"attempting double-free on .+ in thread .+:", lines[at]) else \
        "bad-free" if re.search(r"attempting free on address which was not malloc\(\)-ed: .+ in thread .+", lines[at]) else ""
    place = (re.search(r"(\S+?):(\d+)(:\d+)?", s) for s in lines[at + 1:lines.index("", at)])
    return kind, next(((m[1], int(m[2])) for m in place if m), None)


def asan_symbolize(text):
    """The frames that it would look up: numbers, modules."""
    return [m[2] for m in re.finditer(r"^ *#([0-9]+) *0x[0-9a-f]+ *(?:in .*)? *\((.*)\+0x[0-9a-f]+\)", text, re.M)]


def all_of(text):
    """What they say, with what cannot be the same in two runs taken out."""
    kind, frames = casr(text)
    cluster, address, state = clusterfuzz(text)
    return kind, cluster, state[:2], [f for f in frames if f[0] or f[1] != "(<unknown module>)"][:2], \
        fuzzmanager(text)[0] == address and codechecker(text), re.findall("^SUMMARY: AddressSanitizer: (.*)$", text, re.M)


def again(t, text):
    """What a raw report says in SARIF: the message, and of each stack its title and lines, without the thread's name."""
    result = json.loads(t.sh(t.UD, "sarif", input=text).stdout)["runs"][0]["results"][0]
    return result["message"]["text"], [(s["message"]["text"].replace(" (main)", ""), [
        f["location"].get("physicalLocation", {}).get("region") for f in s["frames"]]) for s in result["stacks"]]


def readers(t):
    """Each kind of finding in modes that tell it differently: every reader has kind, access, address and place."""
    path, at = f"{t.W}/readers", t.marks("hints.c")
    source = f"{t.HERE}/hints.c"
    t.build("hints.c", "gcc", ("-O1", "-fno-inline"), path)
    wait = "detect=deferred:defer-ms=3600000"
    late = "heap-use-after-free(write)", "Heap-use-after-free WRITE 1"
    read = "heap-use-after-free(read)", "Heap-use-after-free READ 1"
    for kind, options, casr_kind, cluster in (
            ("write", "detect=strict", *late), ("read", "detect=strict:no-stacks", *read), ("jump", "detect=strict", *read),
            ("size", "detect=strict", *read), ("call", "detect=strict", *read), ("loaded", wait, *read), ("given", wait, *read),
            ("given", f"{wait}:no-stacks", *read), ("twice", "", "double-free", "Heap-double-free"),
            ("twice", "profile=production:symbolize", "double-free", "Heap-double-free"),
            ("inside", "", "bad-free", "Invalid-free"), ("local", "no-stacks", "bad-free", "Invalid-free"),
            ("far", "", "heap-buffer-overflow(write)", "Heap-buffer-overflow WRITE 1"), ("write", f"{wait}", *late),
            ("write", f"{wait}:no-stacks", *late)):
        text = t.program(f"{options}:format=asan:{t.PATIENT}".lstrip(":"), path, kind)[1]
        where, line = ("main" if kind in ("inside", "local", "far") else "after_free"), at[kind]
        frames = [(where, source, line)]
        if where != "main":
            frames.append(("main", source, at["after"]))
        if kind == "write" and options.startswith(wait):  # by whom is not known: of the free, if at all
            frames = [] if "no-stacks" in options else [("main", source, at["free"])]
        try:
            got = all_of(text)
        except (ValueError, StopIteration, TypeError) as why:
            got = f"{type(why).__name__}: {why}\n{text}"
        checker = (casr_kind if "(" not in casr_kind else "", frames[0][1:] if frames else None)
        t.verdict(f"readers: {kind} {options}", (casr_kind, cluster, [f[0] for f in frames], frames, checker), got[:5] and (
            *got[:2], got[2][:len(frames)], got[3][:len(frames)], got[4]))
        raw = t.program(f"{options}:no-symbolize".lstrip(":"), path, kind)[1]
        ours = t.sh(t.UD, "symbolize", "--format=asan", input=raw).stdout
        t.verdict(f"readers: {kind} {options}: ours", again(t, raw), again(t, ours))
        if frames:
            t.verdict(f"readers: {kind} {options}: summary", [True], [f" {source}:{frames[0][2]}:" in s and s.endswith(
                f" in {frames[0][0]}") for s in got[5]])
    bare = t.program("format=asan:no-symbolize", path, "read")[1]
    t.verdict("readers: without lines", [(read[0], "after_free", path), path, True],
              [(casr(bare)[0], *casr(bare)[1][0][:2]), asan_symbolize(bare)[0], fuzzmanager(bare)[1]])
    t.build("classes.cc", "g++", ("-O2", "-std=c++17"), f"{t.W}/readers-cc")
    text = t.program(f"format=asan:{t.PATIENT}", f"{t.W}/readers-cc")[1]
    t.verdict("readers: C++", [f[0] for f in t.expected("classes.cc")["used by"]], [f[0] for f in casr(text)[1][:3]])
