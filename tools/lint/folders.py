#!/usr/bin/python3
"""folders.py BUILD [circles]: holds the table of src/README.md against the sources and the objects.

Prints a line for each edge that the table does not have: an #include of another folder's file
(only its face may be included), a symbol that an object needs of a folder that it may not see, an
edge upwards or a circle in the table itself. Nothing is printed where all is well.
circles: the circles among single objects instead, largest first, one a line.
"""
import os
import re
import subprocess
import sys

build = sys.argv[1]


def table():
    rows = {}
    for line in open("src/README.md", encoding="utf-8"):
        m = re.match(r"\| `(\w+)` \|.*\| ([\w, ]*)\|$", line)
        if m:
            rows[m[1]] = [w for w in re.split(r"[, ]+", m[2]) if w]
    return rows


def files(folder, ends):
    for at, _, names in os.walk(f"src/{folder}"):
        for name in sorted(names):
            if name.endswith(ends):
                yield os.path.join(at, name)


def includes(rows):
    for folder in rows:
        for path in files(folder, (".c", ".h", ".S", ".def")):
            for n, line in enumerate(open(path, encoding="utf-8"), 1):
                m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if not m:
                    continue
                there = os.path.normpath(os.path.join(os.path.dirname(path), m[1]))
                if not os.path.exists(there):
                    there = "src/" + m[1]
                other = there.split("/")[1] if there.startswith("src/") else folder
                if other == folder or other not in rows:
                    continue
                where = f"{path}:{n}: #include {m[1]}"
                if other not in rows[folder]:
                    yield f"{where}: {folder} may not see {other}"
                elif there != f"src/{other}/{other}.h":
                    yield f"{where}: the face of {other} is {other}/{other}.h"


def symbols(rows):
    """Of each object: what it defines for others, what it needs."""
    objects, source = {}, {}
    for folder in rows:
        for path in files(folder, (".c", ".S")):
            obj = f"{build}/{os.path.splitext(path)[0]}.o"
            if os.path.exists(obj) and "/preload/" not in obj:
                objects[path] = (folder, set(), set())
                source[obj] = path
    # one nm for all: a process an object took most of the time
    text = subprocess.run(["nm", "-A", *source], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        obj, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        _, gives, needs = objects[source[obj]]
        if kind == "U":
            needs.add(name)
        elif kind.isupper():
            gives.add(name)
    return objects


# Ours stand for libc's and end in them: who calls one means libc's.
LIBCS = {"dlsym", "dlvsym"}


def edges(objects):
    owner = {name: path for path, (_, gives, _) in objects.items() for name in gives}
    for path, (_, _, needs) in sorted(objects.items()):
        for name in sorted(needs):
            if name not in LIBCS and owner.get(name, path) != path:
                yield path, owner[name], name


def circles(objects):
    """Tarjan: groups of objects that reach each other, largest first."""
    graph = {path: set() for path in objects}
    for a, b, _ in edges(objects):
        graph[a].add(b)
    index, low, stack, groups = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in graph[v]:
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            at = stack.index(v)
            if len(stack) - at > 1:
                groups.append(sorted(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(10000)
    for v in graph:
        if v not in index:
            visit(v)
    return sorted(groups, key=len, reverse=True)


def main():
    rows = table()
    objects = symbols(rows)
    if sys.argv[2:] == ["circles"]:
        for group in circles(objects):
            print(len(group), *group)
        return
    above = []
    for folder, sees in rows.items():
        for other in sees:
            if other not in above:
                print(f"src/README.md: {folder} sees {other}, which does not stand above it")
        above.append(folder)
    for name in sorted(os.listdir("src")):
        if name not in rows and name != "README.md":
            print(f"src/{name} is no folder of src/README.md")
    for line in includes(rows):
        print(line)
    for a, b, name in edges(objects):
        folder, other = objects[a][0], objects[b][0]
        if folder != other and other not in rows[folder]:
            print(f"{a}: needs {name} of {b}: {folder} may not see {other}")


main()
