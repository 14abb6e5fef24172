"""cores.py: undangle core, and share/gdb/undangle.py on a living process and on a core.

run.py's part for what is asked of a process after its end; t is run.py itself. Cores are gdb's, for where the
kernel's go is the machine's affair; where they go to the working directory, one of those is read, too.
"""
import os
import re
import resource
import signal
import subprocess

MODES = ("strict", "deferred", "grouped", "grouped:sample=2")
GDB = ["gdb", "-nx", "-q", "-batch", "-ex", "set debuginfod enabled off", "-ex", "set width 0"]


def gdb(t, prog, commands, *core, mode=None):
    """What gdb says to the commands, of a run of prog up to its end, or of a core."""
    script = [f"source {t.HERE}/../../share/gdb/undangle.py"] if core else []  # else by auto-load
    run = [] if core else [f"add-auto-load-safe-path {t.B}", "set startup-with-shell off", f"set environment LD_PRELOAD {t.LIB}",
                           f"set environment UNDANGLE_OPTIONS detect={mode}:on-error=continue:no-symbolize",
                           "handle SIGSEGV nostop noprint pass", "run"]
    args = [a for c in [*run, *script, *commands] for a in ("-ex", c)]
    p = subprocess.run([*GDB, *args, prog, *core], capture_output=True, timeout=t.SLOW, cwd=t.W, stdin=subprocess.DEVNULL)
    return (p.stdout + p.stderr).decode(errors="replace")


def expected(t):
    """Of each variable: the block, and the innermost frames of its stacks."""
    at = {name: f"blocks.c:{line}" for name, line in t.marks("blocks.c").items()}
    get, drop = ["get", at["get"]], ["drop", at["drop"]]
    return {"alive": ("3 bytes inside a live 110-byte block", {"allocated by": get}),
            "large": ("3 bytes inside a live 5000000-byte block", {"allocated by": get}),
            "dead": ("3 bytes inside a dead 48-byte block", {"freed by": drop, "allocated by": get}),
            "moved": ("3 bytes inside a dead 20-byte block",
                      {"moved by realloc in": ["main", at["moved"]], "allocated by": get})}


def answers(text):
    """The same of what was printed, by address."""
    out, stacks, how = {}, {}, None
    for line in text.splitlines():
        m = re.match(r"(0x[0-9a-f]+): (\d+ bytes inside a (?:live|dead) \d+-byte block) at (0x[0-9a-f]+)$", line)
        if m:
            stacks = {}
            out[int(m[3], 16)] = (m[2], stacks)
        m = re.match(r"  (.*) thread \d+:$", line)
        how = m[1] if m else how
        m = re.match(r"    #0 0x[0-9a-f]{16} in (\w+) (?:\S*/)?(blocks\.c:\d+)", line)
        if m:
            stacks[how] = [m[1], m[2]]
    return out


def said(text):
    """What the program printed: the sum, and the addresses by name."""
    m = re.search(r"^(\d+ live blocks, \d+ bytes)\n(0x\w+) (0x\w+) (0x\w+) (0x\w+)$", text, re.M)
    return (m[1], dict(zip(("alive", "dead", "moved", "large"), (int(a, 16) for a in m.groups()[1:])))) if m else None


def finding(t, text):
    m = re.search(r"ERROR: double-free: free\(\) of \w+, the start of a 48-byte block freed by.*?\n    #0 \w+ in (\S+ \S+?:\d+)",
                  text, re.S)
    return m and re.sub("/.*/", "", m[1])


def one(t, prog, mode):
    core = f"{t.W}/core.{mode}"
    ask = [f"undangle addr {v}+3" for v in ("alive", "dead", "moved", "large")]
    live = gdb(t, prog, [*ask, "undangle blocks", "undangle report", f"generate-core-file {core}"], mode=mode)
    told = said(live)
    if not told:
        t.verdict(f"gdb, {mode}: the program runs", "two lines", live[-600:])
        return {}
    total, at = told
    want = {at[v]: e for v, e in expected(t).items()}
    t.verdict(f"gdb, {mode}: addresses", want, answers(live))
    t.verdict(f"gdb, {mode}: blocks", 2, live.count(total + "\n"))  # the program's own line and ours
    told = f"drop blocks.c:{t.marks('blocks.c')['drop']}"
    t.verdict(f"gdb, {mode}: report", told, finding(t, live[live.index(total):]))
    later = gdb(t, prog, [*ask, "undangle blocks", "undangle report"], core)
    t.verdict(f"gdb on a core, {mode}: addresses", want, answers(later))
    t.verdict(f"gdb on a core, {mode}: blocks, report", (1, told), (later.count(total + "\n"), finding(t, later)))
    others = sorted([f"{hex(at['large'])}: the start", f"{hex(at['alive'] + 3)}: 3 bytes inside",  # two streams
                     "undangle addr: No struct type named nosuch.", "undangle addr: No symbol 'nosuch' in current context"])
    other = gdb(t, prog, ["set language rust", f"undangle addr {hex(at['large'])}", "undangle addr nosuch", "set language c",
                          "undangle addr *(char(*)[4])(alive+3)", "undangle addr *(struct nosuch *)alive"], core)
    t.verdict(f"gdb on a core, {mode}: other expressions", others, sorted(re.findall(
        r"^(?:0x\w+: \w+ \w+(?: inside)?|undangle addr: .*|Python.*)", other, re.M)))
    p = t.sh(t.UD, "core", core, *(hex(a + 3) for a in want))
    t.verdict(f"core, {mode}: addresses", (want, ""), (answers(p.stdout), p.stderr))
    listed = t.sh(t.UD, "core", "--blocks", core).stdout
    t.verdict(f"core, {mode}: blocks", (total, int(total.split()[0])),
              (listed.splitlines()[-1], len(re.findall(r"^0x\w+ +\d+ \w+ \S+blocks\.c:\d+$", listed, re.M))))
    text = t.sh(t.UD, "core", core).stdout
    frames = re.findall(r"^    #0 \w+ in (\w+) \S+/(blocks\.c:\d+)", text, re.M)
    at = t.marks("blocks.c")
    t.verdict(f"core, {mode}: the report", [("drop", f"blocks.c:{at['drop']}")] * 2 + [("get", f"blocks.c:{at['get']}")],
              frames)
    return want


def below_stack(t, want):
    """The process's pages may lie where the kernel would make the command's own stack longer, and put zeros."""
    unlimited = ["sh", "-c", 'ulimit -s unlimited && exec setarch -R "$@"', "sh"]
    if t.sh(*unlimited, "true").returncode:
        t.skipped("a core below the stack", "ulimit -s or setarch -R is not permitted here")
        return
    data = bytearray(open(f"{t.W}/core.strict", "rb").read())
    for head in range(64, 64 + 56 * int.from_bytes(data[56:58], "little"), 56):
        at = int.from_bytes(data[head + 16:head + 24], "little")
        if at >> 40 == 0x55 or at >> 27 == 0x7ffff8000000 >> 27:  # where the program and its stack lay, the command's lie
            data[head:head + 4] = bytes(4)
    core = f"{t.W}/core.below"
    open(core, "wb").write(data)
    p = t.sh(*unlimited, t.UD, "core", core, *(hex(a + 3) for a in want))
    t.verdict("a core below the stack", (want, ""), (answers(p.stdout), p.stderr))


def kernels(t, prog):
    """One that the kernel wrote, if it does so here."""
    pattern = open("/proc/sys/kernel/core_pattern").read().strip()
    where = f"{t.W}/kernel"
    os.makedirs(where)
    if "/" in pattern or pattern.startswith("|") or not pattern:
        t.skipped("a core of the kernel", f"core_pattern is '{pattern}'")
        return
    e = {"LD_PRELOAD": t.LIB, "UNDANGLE_OPTIONS": "on-error=continue:no-symbolize"}
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    p = subprocess.run([prog], env=e, cwd=where, capture_output=True, text=True, timeout=t.SLOW,
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
    t.verdict("a core of the kernel: the program", -signal.SIGABRT, p.returncode)
    cores = os.listdir(where)
    if not cores:
        t.skipped("a core of the kernel", "none was written: ulimit -c?")
        return
    total, at = said(p.stdout)
    core = f"{where}/{cores[0]}"
    text = t.sh(t.UD, "core", core, *(hex(a + 3) for a in at.values())).stdout
    t.verdict("a core of the kernel: addresses", {at[v]: x for v, x in expected(t).items()}, answers(text))
    t.verdict("a core of the kernel: blocks", total, t.sh(t.UD, "core", "--blocks", core).stdout.splitlines()[-1])


def refused(t, prog):
    """One clear line for each core that cannot be asked."""
    core = f"{t.W}/core.strict"
    data = open(core, "rb").read()
    for name, text in (("empty", b""), ("text", b"hello"), ("head", data[:300])):
        open(f"{t.W}/{name}", "wb").write(text)
        p = t.sh(t.UD, "core", f"{t.W}/{name}")
        t.verdict(f"core: {name}", (2, "", f"undangle: core: {t.W}/{name}: is no core of an x86-64 process, or cut off\n"),
                  (p.returncode, p.stdout, p.stderr))
    p = t.sh(t.UD, "core", f"--library={prog}", core)
    t.verdict("core: another library", (2, "", f"undangle: core: --library={prog}: is another one than the one that ran\n"),
              (p.returncode, p.stdout, p.stderr))
    p = t.sh(t.UD, "core", core, "0x12g")
    t.verdict("core: no address", (2, "undangle: core: '0x12g' is no address\n"), (p.returncode, p.stderr))


def broken(t):
    """Whatever a core says: an answer or a line, and never a crash or a circle."""
    import random
    rnd, bad = random.Random(14), []
    data = bytearray(open(f"{t.W}/core.strict", "rb").read())
    heads = 64 + 56 * int.from_bytes(data[56:58], "little")
    name = f"{t.W}/broken"
    for i in range(40):
        text = bytearray(data)
        for _ in range(rnd.randrange(1, 60)):
            at = rnd.randrange(heads) if i % 2 else rnd.randrange(len(text))
            text[at] = rnd.randrange(256)
        if i % 5 == 0:
            del text[rnd.randrange(len(text)):]
        open(name, "wb").write(text)
        p = t.sh(t.UD, "core", name, "0x204000001000")
        if p.returncode not in (0, 1, 2) or (p.returncode == 2) != (len(p.stderr.splitlines()) == 1):
            bad.append((i, p.returncode, p.stderr[:200]))
    t.verdict("broken cores", [], bad)


def cores(t):
    prog = f"{t.W}/blocks"
    t.build("blocks.c", "gcc", ("-O1",), prog)
    wants = [one(t, prog, mode) for mode in MODES]
    below_stack(t, wants[MODES.index("strict")])
    kernels(t, prog)
    refused(t, prog)
    broken(t)
