"""verdict.py - reads reports (the format at the head of src/findings/print.c) and compares them.

Everything that a report says of a bug comes out as one dict: kind, access, bytes, call, arg,
offset, block, what, thread ids and the three stacks. A line that the format does not know is kept
under "strange" and fails the comparison, so the text cannot drift from its description unseen.
"""

import functools
import re
import subprocess

HEAD = re.compile(r"^undangle: ERROR: (use-after-free|double-free|invalid-free|out-of-bounds): (.*)$")
ACCESS = re.compile(r"^(READ|WRITE|EXEC)(?: of size (\d+))?( through a pointer loaded from| at) (0x[0-9a-f]+), (.*)$")
SYSCALL = re.compile(r"^(\w+)\(\) argument (\d+)( through a pointer loaded from| at) (0x[0-9a-f]+), (.*)$")
CALL = re.compile(r"^(\w+)\(\) of (a pointer loaded from )?(0x[0-9a-f]+), (.*)$")
# "a live 40-byte block", "an 8-byte block", "a block of the 48-byte class"
START = re.compile(r"^the start of (an?) (live )?(.*?\bblock(?: of the \d+-byte class)?)(.*)$")
BESIDE = re.compile(r"^(\d+) bytes? (inside|past the end of|before) (an?) (live )?"
                    r"(.*?\bblock(?: of the \d+-byte class)?)(.*)$")
SIZED = re.compile(r"^(\d+)-byte block$")
CLASSED = re.compile(r"^block of the (\d+)-byte class$")
AN = re.compile(r"^(8|8\d|8\d\d|11|18)(\d{3})*-byte")
HOW = re.compile(r"^ (freed|moved by realloc)(?: by thread (T.*))?$")
SECTION = re.compile(r"^  (used by|called by|freed by|moved by realloc in|allocated by)"
                     r" thread (T.*?), tid (-?\d+)(, (?:about|less than) (?:\d\.\d{3}|\d{2,}) s"
                     r" and (?:at most )?(?:1 allocation|(?!1 )\d+ allocations) ago)?:$")
FRAME = re.compile(r"^    #(\d+) 0x([0-9a-f]{16})(?: in (.+?)\+0x[0-9a-f]+)? "
                   r"\((<unknown module>|.*\+0x[0-9a-f]+)\)(?: \(BuildId: [0-9a-f]+\))?$")
LINE = re.compile(r"^    #(\d+) 0x([0-9a-f]{16}) in (.+?) ((?:/|\./|\w)\S*?):(\d+)(?::\d+)?( \((?:inlined|tail call, guessed)\))?$")
ADDED = re.compile(r"^  (?:signature: [0-9a-f]{16}|block: \d+ bytes(?:, each character is \d+ bytes)?)$"
                   r"|^      (?:[> ] +\d+ \| .*|0x[0-9a-f]+ \|[.#]+\| 0x[0-9a-f]+| *\^ 0x[0-9a-f]+)$")
FOREIGN = [("on the stack of thread", "stack"), ("in the brk heap", "brk"),
           ("in mapped memory that malloc never returned", "mapped"),
           ("in malloc's range, where no block ever was", "never"), ("not mapped", "unmapped"),
           ("in ", "module")]
STACK = {"used by": "use", "called by": "use", "freed by": "free", "moved by realloc in": "free",
         "allocated by": "alloc"}
FOUND = re.compile(r"^(.*), found (at exit|when it died|by ud_kill_dead\(\)): its word is 0x[0-9a-f]{16}$")
FOUND_WHEN = {"at exit": "exit", "when it died": "death", "by ud_kill_dead()": "called"}
SUMMARY = re.compile(r"^undangle: (1 finding|\d+ findings) in (1 process|\d+ processes)(?:, \d+ of them told)?$")
RUN_PAST = re.compile(r"^  or (\d+) bytes? past the end of a live (.*?)"
                      r"(?: allocated by thread (T.*?), tid (-?\d+):)?$")
REGISTERS = re.compile(r"^    (?:\s*(?:r[a-z0-9]+|efl) +0x[0-9a-f]{16})+$")


def place(r, text):
    """WHERE HOW: the offset inside which block."""
    for pattern in (START, BESIDE):
        m = pattern.match(text)
        if not m:
            continue
        g = m.groups()
        first, how, a, live, block, rest = (g if pattern is BESIDE else ("0", "inside", *g))
        size = SIZED.match(block) or CLASSED.match(block)
        if not size or a != ("an" if AN.match(block) and not live else "a"):
            r["strange"].append(text)
            return
        size = size.group(1)
        r["block"], r["classed"] = size, bool(CLASSED.match(block))
        r["offset"] = {"inside": first, "before": "-" + first,
                       "past the end of": str(int(first) + int(size))}[how]
        if live:
            r["what"] = {"inside": "interior", "before": "before"}.get(how, "past")
        elif HOW.match(rest):
            r["what"] = "dead"
            r["moved"] = "yes" if "moved" in rest else "no"
        else:
            r["strange"].append(text)
        return
    if HOW.match(text.removeprefix("in a block")):
        r["what"], r["moved"] = "forgotten", "yes" if "moved" in text else "no"
        return
    for start, word in FOREIGN:
        if text.startswith(start):
            r["what"] = word
            return
    r["strange"].append(text)


def headline(kind, text):
    r = {"kind": kind, "strange": [], "use": None, "free": None, "alloc": None, "tid": {},
         "raw": [], "inlined": 0}
    if kind in ("use-after-free", "out-of-bounds"):
        m = ACCESS.match(text)
        if m:
            r["access"], r["bytes"] = m.group(1), m.group(2) or "none"
            rest, how = m.group(5), m.group(3)
        else:
            m = SYSCALL.match(text)
            if m:
                r.update(access="SYSCALL", call=m.group(1), arg=m.group(2))
                rest, how = m.group(5), m.group(3)
        if not m and kind == "use-after-free":
            m = CALL.match(text)
            if m:
                r["call"], how, rest = m.group(1), m.group(2), m.group(4)
    else:
        m = CALL.match(text)
        if m:
            r["call"], how, rest = m.group(1), m.group(2), m.group(4)
    if m:
        r["loaded"] = "yes" if how and "loaded" in how else "no"
        late = FOUND.match(rest)
        r["found"] = FOUND_WHEN[late.group(2)] if late else "no"
        place(r, late.group(1) if late else re.sub(r", misaligned$", "", rest))
    else:
        r["strange"].append(text)
    return r


def parse(text):
    """All reports of a program's output, in order, raw or with lines."""
    reports, r, stack, number = [], None, None, 0
    for line in text.splitlines():
        m = HEAD.match(line)
        if m:
            r, stack = headline(m.group(1), m.group(2)), None
            reports.append(r)
            continue
        if r is None or line.startswith("undangle: hint: ") or SUMMARY.match(line):
            continue
        section, frame, known = SECTION.match(line), FRAME.match(line), LINE.match(line)
        past = RUN_PAST.match(line)
        if past:
            stack, number = [], 0
            r["before"], r["past"] = stack, past.group(1)
        elif section:
            which = STACK[section.group(1)]
            stack, number = [], 0
            r[which] = stack
            r["tid"][which] = int(section.group(3))
            if section.group(4) and which != "free":
                r["strange"].append(line)
            if which == "free":
                r["age"] = "known" if section.group(4) else "none"
        elif (frame or known) and stack is not None:
            if int((frame or known).group(1)) != number:
                r["strange"].append(line)
            number += 1
            if frame:
                stack.append((frame.group(3) or "?", frame.group(4)))
                r["raw"].append(frame.group(3, 4))
            elif known.group(6):
                r["inlined"] += 1
            else:
                stack.append((known.group(3), known.group(4)))
        elif line.startswith("undangle: ") or "INTERNAL" in line:
            r["strange"].append(line)
        elif not (line.strip() == "registers:" or line.startswith("  process ")
                  or REGISTERS.match(line) or ADDED.match(line) or "(no stack recorded)" in line):
            r["strange"].append(line)
    return reports


@functools.lru_cache(None)
def plain(symbol):
    """drop, for drop, drop.constprop.0, _Z4dropPc, drop(char*) and void T<int>::drop<3>() alike."""
    if symbol.startswith("_Z"):
        symbol = subprocess.run(["c++filt", symbol], capture_output=True, text=True).stdout.strip()
    if symbol.endswith("}"):  # a lambda has no other name
        return symbol
    symbol = symbol.replace("(anonymous namespace)", "")
    out, depth = "", 0
    for c in symbol:
        depth += c in "<("
        if not depth:
            out += c
        depth -= c in ">)"
    return out.replace(" const", "").split("::")[-1].split(" ")[-1].split(".")[0]


def stack_matches(pattern, frames):
    """pattern: names joined by >, inner to outer; ~ lets any frames come between."""
    if frames is None:
        return False
    names = [plain(f[0]) for f in frames]
    at, loose = 0, False
    for part in pattern.split(">"):
        if part.startswith("~"):
            loose, part = True, part[1:]
            if not part:
                continue
        if loose or at > 0:
            while at < len(names) and names[at] != part:
                at += 1
        if at >= len(names) or names[at] != part:
            return False
        at, loose = at + 1, False
    return True


def threads_match(pattern, tid):
    pairs = [p.split(":") for p in pattern.split(",")]
    return all(w in tid and tid[w] > 0 for w, _ in pairs) and all(
        (a == b) == (tid[v] == tid[w]) for v, a in pairs for w, b in pairs)


def show(frames):
    return "none" if frames is None else ">".join(f[0] for f in frames) or "(no frames)"


def compare(want, r):
    """What of the expected verdict the report does not say."""
    bad = [f"not in the described format: {s!r}" for s in r["strange"]]
    for key, value in want.items():
        if key == "status":
            continue
        if key in ("use", "free", "alloc", "before"):
            if not stack_matches(value, r.get(key)):
                bad.append(f"{key} stack: expected {value}, got {show(r.get(key))}")
        elif key == "threads":
            if not threads_match(value, r["tid"]):
                bad.append(f"threads: expected {value}, got tids {r['tid']}")
        elif value != "*" and r.get(key) != value:
            bad.append(f"{key}: expected {value}, got {r.get(key)}")
    return bad
