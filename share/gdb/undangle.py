"""undangle.py - what libundangle.so knows of blocks, in gdb: on a living process and on a core.

    undangle addr EXPRESSION    which block that address is in, live or dead, and its stacks
    undangle blocks             all blocks that live, and where each was allocated
    undangle report             the last finding again

The command `undangle core` does the work, over the memory that gdb shows it a page at a time: nothing runs
in the process. gdb loads this by itself where it lies beside the library as libundangle.so-gdb.py, if
that is in its auto-load safe-path, or, if nothing lies there, below /usr/share/gdb/auto-load; else `source undangle.py`.
"""
import os
import re
import subprocess

import gdb

PAGE = 4096
FRAME = re.compile(r"^(    #\d+ 0x[0-9a-f]{16}) \(<unknown module>\)$")
SITE = re.compile(r"^(0x[0-9a-f]+ +\d+) (0x[0-9a-f]{16})$")


def library():
    """The library's file, and the address of its ud_look."""
    for objfile in gdb.objfiles():
        if os.path.basename(objfile.filename or "") == "libundangle.so":
            said = gdb.execute("info address ud_look", to_string=True)  # an expression depends on the language
            return os.path.realpath(objfile.filename), int(re.search("0x[0-9a-f]+", said)[0], 16)
    raise gdb.GdbError("undangle: the program runs without libundangle.so")


def command(path):
    """The command that belongs to the library: as the library itself finds it."""
    for place in ("undangle", "../../bin/undangle"):
        name = os.path.join(os.path.dirname(path), place)
        if os.access(name, os.X_OK):
            return name
    raise gdb.GdbError(f"undangle: the command is not beside {path}")


def place(pc):
    """Function and line of a call that returns to pc."""
    pc = int(pc, 16) - 1
    sal = gdb.find_pc_line(pc)
    block = gdb.current_progspace().block_for_pc(pc)
    while block and not block.function:
        block = block.superblock
    if block and sal.symtab:
        return f"in {block.function.print_name} {sal.symtab.fullname()}:{sal.line}"
    name = gdb.execute(f"info symbol {pc:#x}", to_string=True).strip()
    return "(<unknown module>)" if name.startswith("No symbol") else "in " + name.split(" in section")[0]


def address(expression):
    """What it points to, in any language: Rust has no casts of C's."""
    try:
        value = gdb.parse_and_eval(expression)
        code = value.type.strip_typedefs().code
        if code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
            value = value.referenced_value()
        elif code in (gdb.TYPE_CODE_ARRAY, gdb.TYPE_CODE_FUNC):
            value = value.address
        return int(value) & (1 << 64) - 1
    except gdb.error as why:
        raise gdb.GdbError(f"undangle addr: {why}")


def page(at):
    try:
        return b"y" + gdb.selected_inferior().read_memory(at, PAGE).tobytes()
    except gdb.MemoryError:
        return b"n"


def answer(line):
    """A line of the command, with the names that gdb has."""
    m = FRAME.match(line) or SITE.match(line)
    if not m:
        return line
    return f"{m[1]} {place(line.split()[1] if m.re is FRAME else m[2])}"


def ask(*arguments):
    path, look = library()
    with subprocess.Popen([command(path), "core", f"--gdb={look:x}:{path}", *arguments], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        for line in p.stdout:
            line = line.decode(errors="replace").rstrip("\n")
            if line.startswith("?"):
                p.stdin.write(page(int(line[1:], 16)))
                p.stdin.flush()
            else:
                print(answer(line))


class Undangle(gdb.Command):
    """What undangle knows of the program's blocks: undangle addr, undangle blocks, undangle report."""

    def __init__(self):
        super().__init__("undangle", gdb.COMMAND_DATA, gdb.COMPLETE_COMMAND, True)


class Addr(gdb.Command):
    """undangle addr EXPRESSION: which block that address is in, live or dead, and its stacks."""

    def __init__(self):
        super().__init__("undangle addr", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument.strip():
            raise gdb.GdbError("undangle addr: of which address?")
        ask(f"{address(argument):#x}")


class Blocks(gdb.Command):
    """undangle blocks: all blocks that live, with their sizes and where they were allocated."""

    def __init__(self):
        super().__init__("undangle blocks", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        ask("--blocks")


class Report(gdb.Command):
    """undangle report: the last finding that was told, again."""

    def __init__(self):
        super().__init__("undangle report", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        ask()


for sub in (Undangle, Addr, Blocks, Report):
    sub()
