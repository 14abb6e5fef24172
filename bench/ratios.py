#!/usr/bin/env python3
"""One table of ratios to glibc: big buffers, or forks. Interleaved as run.py does it, processor time, medians.

A program prints what one round of it took; of a shell's loop all processes are counted.
"""
import argparse, os, resource, statistics, subprocess, sys

sys.dont_write_bytecode = True
import peers

SHELL = "for i in $(seq 200); do x=$(echo $i | sed s/1/2/); y=$(expr $i + 1); done"
BUFFERS = [60_000, 128_000, 256_000, 512_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000]


def rows(what, prog_dir, scale):
    if what == "buffers":
        each = [(n, max(20, int(min(20_000, 4_000_000_000 // n) * scale))) for n in BUFFERS]
        pieces = {"4,000 to 9,000 bytes, freed in pieces": [f"{prog_dir}/pieces", str(max(2, int(20 * scale)))]}
        return pieces | {f"{n:,} bytes": [f"{prog_dir}/buffers", str(n), str(rounds)] for n, rounds in each}
    heaps = {f"fork, a heap of {mb} MB": [f"{prog_dir}/forks", str(mb), str(max(1, int(n * scale)))]
             for mb, n in ((1, 200), (64, 40), (512, 10))}
    return {**heaps, "bash: 200 times two pipes": ["bash", "-c", SHELL]}


def children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (r.ru_utime + r.ru_stime) * 1e6


def took(cmd, peer):
    """Microseconds."""
    env = dict(os.environ, **peer.env)
    before = children()
    r = subprocess.run(cmd, env=env, capture_output=True, text=True, timeout=3600)
    if r.returncode or r.stderr:
        sys.exit(f"bench: {cmd}: status {r.returncode}: {r.stderr[:500]}")
    return float(r.stdout) if r.stdout else children() - before


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("what", choices=["buffers", "fork"])
    ap.add_argument("--lib", required=True)
    ap.add_argument("--prog-dir", required=True)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--scale", type=float, default=1.0)
    ap.add_argument("--configs", default="glibc,production,deferred,strict,debug")
    a = ap.parse_args()
    configs = a.configs.split(",")
    peer = {p.name: p for p in peers.modes(a.lib)}
    if not set(configs) <= set(peer):
        ap.error(f"--configs: some of {', '.join(peer)}")
    us = {}
    for r in range(a.rounds):
        for name, cmd in rows(a.what, a.prog_dir, a.scale).items():
            for c in configs[r % len(configs):] + configs[:r % len(configs)]:
                us.setdefault((name, c), []).append(took(cmd, peer[c]))
        print(f"bench: round {r + 1} of {a.rounds} done", file=sys.stderr, flush=True)
    others = [c for c in configs if c != "glibc"]
    print("| processor time, x glibc | glibc us | " + " | ".join(others) + " |")
    print("|---|---|" + "---|" * len(others))
    for name in rows(a.what, a.prog_dir, a.scale):
        ratio = [statistics.median(x / g for x, g in zip(us[name, c], us[name, "glibc"])) for c in others]
        print(f"| {name} | {statistics.median(us[name, 'glibc']):.1f} | " + " | ".join(f"{x:.2f}" for x in ratio) + " |")


if __name__ == "__main__":
    main()
