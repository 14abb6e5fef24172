#!/usr/bin/python3
"""run.py - where does the kvm backend pay? Unattended: one table, one plot.

bench/kvm/mix.c does K pairs of malloc and free per system call. Each way of running it is timed
for K = 0..4096, interleaved, best of several; the curve gives the break-even: how many
allocations per system call it takes until kvm (cheap kills, dear system calls) beats the host
backend (dear kills, cheap system calls). Needs a real /dev/kvm; says so and ends with 77 if the
machine has none. Wall time in an emulated machine means nothing: --emulated is for testing this
script only.
"""

import argparse
import math
import os
import subprocess
import sys

KS = [0, 1, 4, 16, 64, 256, 1024, 4096]
WAYS = {
    "glibc": [],
    "dune": ["dune", "--"],
    "host strict": ["--backend=host", "--detect=strict", "--no-stacks", "--"],
    "host deferred": ["--backend=host", "--detect=deferred", "--no-stacks", "--"],
    "kvm system": ["--backend=kvm", "--heap=system", "--no-stacks", "--"],
    "kvm slab": ["--backend=kvm", "--heap=slab", "--detect=strict", "--no-stacks", "--"],
}
COLORS = ["#666666", "#9467bd", "#d62728", "#ff7f0e", "#1f77b4", "#2ca02c"]


def run(args, way, k, rounds):
    cmd = [f"{args.B}/bench/kvm/mix", str(k), str(rounds)]
    if WAYS[way]:
        cmd = [f"{args.B}/undangle", *WAYS[way], *cmd]
    out = subprocess.run(cmd, capture_output=True, text=True, timeout=args.timeout)
    if out.returncode:
        sys.exit(f"bench-kvm: {' '.join(cmd)}: status {out.returncode}\n{out.stderr}")
    return float(out.stdout)


def svg(path, times):
    width, height, left, top = 760, 460, 70, 30
    points = [t for w in times for k, t in times[w].items() if k]
    low, high = math.log10(min(points)), math.log10(max(points))
    kmax = math.log2(KS[-1])

    def at(k, t):
        return (left + (width - left - 160) * math.log2(k) / kmax,
                top + (height - top - 60) * (1 - (math.log10(t) - low) / (high - low or 1)))

    o = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
         'font-family="sans-serif" font-size="12">',
         '<rect width="100%" height="100%" fill="white"/>',
         f'<text x="{left}" y="18">ns per round of K pairs and one system call (log-log)</text>']
    for k in KS[1:]:
        x, y = at(k, 10 ** low)
        o.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{k}</text>')
        o.append(f'<line x1="{x:.0f}" y1="{top}" x2="{x:.0f}" y2="{y:.0f}" stroke="#eee"/>')
    for e in range(math.ceil(low), math.floor(high) + 1):
        x, y = at(1, 10 ** e)
        o.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">1e{e}</text>')
    for c, w in zip(COLORS, times):
        p = [at(k, times[w][k]) for k in KS[1:]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in p)
        o.append(f'<polyline points="{line}" fill="none" stroke="{c}" stroke-width="2"/>')
        o.append(f'<text x="{p[-1][0] + 8:.0f}" y="{p[-1][1] + 4:.0f}" fill="{c}">{w}</text>')
    o.append("</svg>")
    with open(path, "w") as f:
        f.write("\n".join(o) + "\n")


def break_even(times, kvm, host):
    """The smallest K of the curve, interpolated, from which kvm is cheaper."""
    for a, b in zip(KS, KS[1:]):
        da = times[host][a] - times[kvm][a]
        db = times[host][b] - times[kvm][b]
        if da <= 0 < db:
            return f"{a + (b - a) * -da / (db - da):.0f}"
    return "always" if times[host][KS[0]] > times[kvm][KS[0]] else "never in this range"


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("--repeat", type=int, default=3)
    ap.add_argument("--timeout", type=int, default=300)
    ap.add_argument("--scale", type=int, default=400000, help="pairs per measurement, about")
    ap.add_argument("--emulated", action="store_true")
    args = ap.parse_args()
    probe = subprocess.run([f"{args.B}/undangle", "dune", "--", "/bin/true"],
                           capture_output=True, text=True)
    if probe.returncode:
        print(f"bench-kvm: skipped: {probe.stderr.strip()}")
        return 77
    flags = open("/proc/cpuinfo").read()
    if "TCG" in flags or "QEMU" in flags:
        if not args.emulated:
            print("bench-kvm: skipped: an emulated processor; its times mean nothing")
            return 77
        print("bench-kvm: EMULATED: these times mean nothing")
    times = {w: {} for w in WAYS}
    for _ in range(args.repeat):
        for k in KS:
            for w in WAYS:
                t = run(args, w, k, max(20, args.scale // (k + 20)))
                times[w][k] = min(t, times[w].get(k, t))
    print("ns per round of K malloc/free pairs and one system call")
    print(f"{'K':>15}" + "".join(f"{k:>10}" for k in KS) + f"{'ns/pair':>10}")
    for w in WAYS:
        pair = (times[w][KS[-1]] - times[w][0]) / KS[-1]
        print(f"{w:>15}" + "".join(f"{times[w][k]:>10.0f}" for k in KS) + f"{pair:>10.1f}")
    for kvm in ("kvm system", "kvm slab"):
        for host in ("host strict", "host deferred"):
            print(f"{kvm} beats {host} from {break_even(times, kvm, host)} pairs per system call")
    path = os.path.join(args.B, "bench/kvm/break-even.svg")
    svg(path, times)
    print(f"plot: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
