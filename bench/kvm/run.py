#!/usr/bin/python3
"""run.py - where does the kvm backend pay? Unattended: one table, one plot.

bench/kvm/mix.c does K pairs of malloc and free per system call. Each way of running it is timed
for K = 0..4096, interleaved, best of several; the curve gives the break-even: how many
allocations per system call it takes until kvm (cheap kills, dear system calls) beats the host
backend (dear kills, cheap system calls). Needs a real /dev/kvm; says so and ends with 77 if the
machine has none. Wall time in an emulated machine means nothing: --emulated is for testing this
script only.

A way that fails or takes too long is named and left out from there on. Interrupted (^C, SIGTERM,
SIGHUP), it prints the table and the plot of what there is, `-` where nothing is, and ends with 130.
"""

import argparse
import math
import os
import signal
import subprocess
import sys

WAYS = {
    "glibc": [],
    "dune": ["dune", "--"],
    "host strict": ["--backend=host", "--detect=strict", "--no-stacks", "--"],
    "host deferred": ["--backend=host", "--detect=deferred", "--no-stacks", "--"],
    "kvm": ["--backend=kvm", "--no-stacks", "--"],
}
COLORS = ["#666666", "#9467bd", "#d62728", "#ff7f0e", "#1f77b4"]
PAIRS = [("kvm", h) for h in ("host strict", "host deferred")]


class Failed(Exception):
    pass


def run(args, way, k, rounds):
    """ns per round, or Failed. The run is a session of its own: nothing of it outlives a timeout."""
    cmd = [f"{args.B}/bench/kvm/mix", str(k), str(rounds)]
    if WAYS[way]:
        cmd = [f"{args.B}/undangle", *WAYS[way], *cmd]
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, err = p.communicate(timeout=args.timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"more than {args.timeout} s") from None
    finally:
        if p.poll() is None:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
    if p.returncode:
        raise Failed(f"status {p.returncode}: {' '.join(err.split())[:200]}")
    return float(out)


def measure(args, times):
    for _ in range(args.repeat):
        for k in args.ks:
            for w in list(times):
                try:
                    t = run(args, w, k, max(2, args.scale // (k + 20)))
                except Failed as e:
                    print(f"bench-kvm: {w}, K = {k}: {e}; left out from here on", flush=True)
                    args.lost.append(w)
                    continue
                times[w][k] = min(t, times[w].get(k, t))
            for w in args.lost:
                args.kept[w] = times.pop(w, args.kept.get(w))
            args.lost.clear()


def break_even(ks, kvm, host):
    """The K from which kvm is cheaper, interpolated; None: never seen; 0: from the start."""
    ks = [k for k in ks if k in kvm and k in host]
    if len(ks) < 2:
        return None
    if host[ks[0]] > kvm[ks[0]]:
        return float(ks[0])
    for a, b in zip(ks, ks[1:]):
        da, db = host[a] - kvm[a], host[b] - kvm[b]
        if da <= 0 < db:
            return a + (b - a) * -da / (db - da)
    return None


def table(ks, times):
    print("ns per round of K malloc/free pairs and one system call")
    print(f"{'K':>15}" + "".join(f"{k:>10}" for k in ks) + f"{'ns/pair':>10}")
    for w, t in times.items():
        pair = f"{(t[ks[-1]] - t[0]) / ks[-1]:.1f}" if 0 in t and ks[-1] in t and ks[-1] else "-"
        print(f"{w:>15}" + "".join(f"{t[k]:>10.0f}" if k in t else f"{'-':>10}" for k in ks)
              + f"{pair:>10}")
    for kvm, host in PAIRS:
        k = break_even(ks, times[kvm], times[host])
        both = [x for x in ks if x in times[kvm] and x in times[host]]
        say = (f"from {k:.0f} pairs per system call" if k is not None
               else f"nowhere up to K = {both[-1]}" if len(both) > 1 else "- (not measured)")
        print(f"{kvm} beats {host}: {say}")


def svg(path, ks, times):
    """False: nothing to draw."""
    width, height, left, top = 800, 460, 70, 30
    xs = [k for k in ks if k]
    points = [t for w in times.values() for k, t in w.items() if k]
    if not points or not xs:
        return False
    low, high = math.log10(min(points)), math.log10(max(points))
    kmin, kmax = math.log2(xs[0]), math.log2(xs[-1])

    def at(k, t):
        return (left + (width - left - 200) * (math.log2(k) - kmin) / (kmax - kmin or 1),
                top + (height - top - 60) * (1 - (math.log10(t) - low) / (high - low or 1)))

    o = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
         'font-family="sans-serif" font-size="12">',
         '<rect width="100%" height="100%" fill="white"/>',
         f'<text x="{left}" y="18">ns per round of K malloc/free pairs and one system call, over K '
         '(log-log); o: from here on kvm beats host</text>']
    for k in xs:
        x, y = at(k, 10 ** low)
        o.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{k}</text>')
        o.append(f'<line x1="{x:.0f}" y1="{top}" x2="{x:.0f}" y2="{y:.0f}" stroke="#eee"/>')
    for e in range(math.ceil(low), math.floor(high) + 1):
        x, y = at(xs[0], 10 ** e)
        o.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">1e{e}</text>')
    for c, (w, t) in zip(COLORS, times.items()):
        p = [at(k, t[k]) for k in xs if k in t]
        if not p:
            continue
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in p)
        o.append(f'<polyline points="{line}" fill="none" stroke="{c}" stroke-width="2"/>')
        o.append(f'<text x="{p[-1][0] + 8:.0f}" y="{p[-1][1] + 4:.0f}" fill="{c}">{w}</text>')
    for kvm, host in PAIRS:
        k = break_even(ks, times[kvm], times[host])
        if not k or k < xs[0]:
            continue
        a = max(x for x in xs if x <= k and x in times[kvm])
        b = min((x for x in xs if x > k and x in times[kvm]), default=a)
        t = times[kvm][a] + (times[kvm][b] - times[kvm][a]) * ((k - a) / (b - a) if b > a else 0)
        x, y = at(k, t)
        o.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="black">'
                 f'<title>{kvm} beats {host} from K = {k:.0f}</title></circle>')
    o.append("</svg>")
    with open(path + ".new", "w") as f:
        f.write("\n".join(o) + "\n")
    os.replace(path + ".new", path)
    return True


def usable(args):
    """Why not, or None."""
    probe = subprocess.run([f"{args.B}/undangle", "dune", "--", "/bin/true"], capture_output=True,
                           text=True, timeout=args.timeout)
    if probe.returncode:
        return probe.stderr.strip() or f"undangle dune: status {probe.returncode}"
    flags = open("/proc/cpuinfo").read()
    if "TCG" in flags or "QEMU" in flags:
        if not args.emulated:
            return "an emulated processor; its times mean nothing"
        print("bench-kvm: EMULATED: these times mean nothing", flush=True)
    return None


def interrupted(sig, frame):
    raise KeyboardInterrupt


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("-B", default="build")
    ap.add_argument("--repeat", type=int, default=3)
    ap.add_argument("--timeout", type=int, default=300, help="seconds for one run")
    ap.add_argument("--scale", type=int, default=400000, help="pairs per measurement, about")
    ap.add_argument("--ks", default="0,1,4,16,64,256,1024,4096")
    ap.add_argument("--emulated", action="store_true")
    args = ap.parse_args()
    args.ks = sorted({int(k) for k in args.ks.split(",")})
    args.kept, args.lost, rc = {}, [], 0
    times = {w: {} for w in WAYS}
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupted)
    try:
        why = usable(args)
        if why:
            print(f"bench-kvm: skipped: {why}")
            return 77
        measure(args, times)
    except KeyboardInterrupt:
        print("bench-kvm: interrupted: what there is so far")
        rc = 130
    times = {w: args.kept.get(w, times.get(w, {})) for w in WAYS}
    table(args.ks, times)
    path = os.path.join(args.B, "bench/kvm/break-even.svg")
    print(f"plot: {path}" if svg(path, args.ks, times) else "plot: none, nothing was measured")
    return rc or (1 if args.kept else 0)


if __name__ == "__main__":
    sys.exit(main())
