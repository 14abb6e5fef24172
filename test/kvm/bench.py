#!/usr/bin/python3
"""bench.py - make bench-kvm works unattended: at the smallest scale, then interrupted. The times mean nothing here;
table and plot must be whole, and after an interruption say what is missing."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

RUN = ["/usr/bin/python3", "bench/kvm/run.py", "--emulated", "--repeat", "1", "--scale", "200", "--timeout", "1000"]
SVG = "build/bench/kvm/break-even.svg"
WAYS = ["glibc", "dune", "host strict", "host deferred", "kvm"]


def need(what, text):
    if not what:
        sys.exit(f"bench-kvm: {text}")


def rows(out):
    found = {}
    for line in out.splitlines():
        m = re.match(r" *((?:[a-z]+ ?)+?) +((?:[-0-9.]+ *)+)$", line)
        if m and m.group(1).strip() in WAYS:
            found[m.group(1).strip()] = m.group(2).split()
    return found


def lines_of(svg):
    root = xml.parse(svg).getroot()
    return [e.get("points").split() for e in root if e.tag.endswith("polyline")]


def whole():
    p = subprocess.run([*RUN, "--ks", "0,4"], capture_output=True, text=True)
    print(p.stdout + p.stderr)
    need(p.returncode == 0, f"status {p.returncode}")
    table = rows(p.stdout)
    need(list(table) == WAYS, f"rows {list(table)}")
    for way, cells in table.items():
        need(len(cells) == 3 and all(float(c) > 0 for c in cells[:2]), f"row {way}: {cells}")
    need(len(re.findall(r"^kvm beats host \w+: (?:from|nowhere)", p.stdout, re.M)) == 2,
         "two break-even lines")
    need(p.stdout.rstrip().endswith(f"plot: {SVG}"), "the plot's name comes last")
    drawn = lines_of(SVG)
    need(len(drawn) == 5 and all(len(points) == 1 for points in drawn), f"plot: {drawn}")


def cut_short():
    p = subprocess.Popen([*RUN, "--ks", "0,1,2,4,8,16,32,64", "--repeat", "99"],
                         stdout=subprocess.PIPE, text=True)
    first = p.stdout.readline()  # by then it listens to signals, however slow the machine
    time.sleep(3)
    p.send_signal(signal.SIGTERM)
    out = first + p.stdout.read()
    p.wait()
    print(out)
    need(p.returncode == 130 and "interrupted" in out, f"interrupted: status {p.returncode}")
    table = rows(out)
    need(list(table) == WAYS and all(len(c) == 9 for c in table.values()), f"rows {table}")
    need(lines_of(SVG) or "plot: none" in out, "a plot of what there is")


def one_fails():
    with tempfile.TemporaryDirectory() as b:
        os.makedirs(f"{b}/bench/kvm")
        os.symlink(os.path.abspath("build/bench/kvm/mix"), f"{b}/bench/kvm/mix")
        with open(f"{b}/undangle", "w") as f:
            f.write('#!/bin/sh\ncase "$*" in *--backend=kvm*) echo "not today" >&2; exit 2 ;; esac\n'
                    f'exec {os.path.abspath("build/undangle")} "$@"\n')
            os.fchmod(f.fileno(), 0o755)
        p = subprocess.run([*RUN, "-B", b, "--ks", "0"], capture_output=True, text=True)
    print(p.stdout + p.stderr)
    need(p.returncode == 1 and "left out" in p.stdout, f"failing ways: status {p.returncode}")
    need("kvm, K = 0: status 2: not today" in p.stdout, "the reason of the one that failed")
    need(list(rows(p.stdout)) == WAYS and rows(p.stdout)["glibc"][0] != "-", "the others go on")


if __name__ == "__main__":
    whole()
    cut_short()
    one_fails()
