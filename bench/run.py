#!/usr/bin/env python3
"""Programs x allocators, interleaved and pinned: ratios to glibc, medians, memory.

Every round runs each program once under each allocator, in an order that rotates, so that a noisy
minute hits all of them. Before each one, WARM_MB of memory is touched and given back: where a
hypervisor takes away what is free, the next to touch it pays ten times as much (bench/prog/warm.c).
Time is the median over rounds of the ratio to the same round's glibc run. Memory is taken in runs of
its own (sampling slows a process): the peak over samples of PSS + page tables (smaps_rollup and VmPTE), minus nothing. Only the standard library is used.
Output: a table on stdout, all raw rows in CSV, a bar chart in SVG.
"""
import argparse, csv, math, os, resource, statistics, subprocess, sys, tempfile, time

WARM_MB = 600
HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = {
    "glibc": None,
    "production": "profile=production",
    "deferred": "detect=deferred:stacks=off:quiet",
    "strict": "detect=strict:stacks=off:quiet",
    "debug": "profile=debug:quiet",
}


def programs(prog_dir, scale):
    s = lambda n: str(max(1, int(n * scale)))
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True).stdout.strip()
    big_c = os.path.join(prog_dir, "big.c")
    with open(big_c, "w") as f:
        subprocess.run([sys.executable, f"{HERE}/prog/gen_c.py", s(120)], stdout=f, check=True)
    with open(f"{HERE}/prog/work.sql") as f:
        sql = f.read()
    env_py = {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "1"}
    rows = {
        "sqlite": (["sqlite3", ":memory:"], {}, sql),
        "lua": (["lua5.4", f"{HERE}/prog/work.lua", "16"], {}, None),
        "python": (["/usr/bin/python3", f"{HERE}/prog/work.py", s(4)], env_py, None),
        "cc1": ([cc1, "-quiet", "-O2", big_c, "-o", "/dev/null"], {}, None),
        "cfrac": ([f"{prog_dir}/cfrac", s(60)], {}, None),
        "alloc-test": ([f"{prog_dir}/churn", "alloc-test", "1", s(20000000)], {}, None),
        "larson": ([f"{prog_dir}/churn", "larson", "2", s(20000000)], {}, None),
        "mstress": ([f"{prog_dir}/churn", "mstress", "2", s(5000000)], {}, None),
        "xmalloc": ([f"{prog_dir}/churn", "xmalloc", "2", s(4000000)], {}, None),
    }
    return rows


def timed(cmd, env, lib, options, cpus, text, cpu_time):
    with tempfile.TemporaryFile() as inp:
        inp.write((text or "").encode())
        inp.seek(0)
        e = dict(os.environ, **env)
        if options is not None:
            e["LD_PRELOAD"], e["UNDANGLE_OPTIONS"] = lib, options
        t0, c0 = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        r = subprocess.run(["taskset", "-c", cpus] + cmd, env=e, stdin=inp, capture_output=True, timeout=600)
        t, c1 = time.perf_counter() - t0, resource.getrusage(resource.RUSAGE_CHILDREN)
        if cpu_time:
            t = c1.ru_utime + c1.ru_stime - c0.ru_utime - c0.ru_stime
        return t, r.returncode, r.stdout + r.stderr


def memory(cmd, env, lib, options, cpus, text):
    """Peak of PSS + page tables in kB over samples."""
    with tempfile.TemporaryFile() as inp:
        inp.write((text or "").encode())
        inp.seek(0)
        e = dict(os.environ, **env)
        if options is not None:
            e["LD_PRELOAD"], e["UNDANGLE_OPTIONS"] = lib, options
        p = subprocess.Popen(["taskset", "-c", cpus] + cmd, env=e, stdin=inp, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        peak = 0
        while p.poll() is None:
            try:
                with open(f"/proc/{p.pid}/smaps_rollup") as f:
                    pss = next(int(l.split()[1]) for l in f if l.startswith("Pss:"))
                with open(f"/proc/{p.pid}/status") as f:
                    pte = next(int(l.split()[1]) for l in f if l.startswith("VmPTE:"))
                peak = max(peak, pss + pte)
            except (OSError, StopIteration):
                pass
            time.sleep(0.02)
        return peak


def geomean(xs):
    return math.exp(sum(map(math.log, xs)) / len(xs)) if xs else float("nan")


def chart(path, progs, configs, ratio):
    colors = {"production": "#2a9d8f", "deferred": "#e9c46a", "strict": "#e76f51", "debug": "#8d5b4c"}
    w, h, left, bottom = 1100, 420, 60, 60
    top = max([1.5] + [min(8.0, r) for r in ratio.values()])
    y = lambda v: h - bottom - (h - bottom - 30) * min(v, 8.0) / top
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" font-family="sans-serif" font-size="12">',
           f'<rect width="{w}" height="{h}" fill="white"/>',
           f'<text x="{left}" y="18">time, x glibc (cut at 8; lower is better)</text>']
    for v in range(0, int(top) + 1):
        out.append(f'<path d="M{left} {y(v):.1f}H{w - 10}" stroke="{"#444" if v == 1 else "#ddd"}"/>'
                   f'<text x="{left - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v}</text>')
    shown = [c for c in configs if c != "glibc"]
    step = (w - left - 20) / (len(progs) + 1)
    for i, pr in enumerate(list(progs) + ["geomean"]):
        for j, c in enumerate(shown):
            v = ratio.get((pr, c))
            if v is None:
                continue
            bw = step * 0.8 / len(shown)
            x = left + 10 + i * step + j * bw
            out.append(f'<rect x="{x:.1f}" y="{y(v):.1f}" width="{bw - 1:.1f}" height="{h - bottom - y(v):.1f}" '
                       f'fill="{colors.get(c, "#777")}"><title>{pr} {c} {v:.2f}x</title></rect>')
        out.append(f'<text x="{left + 10 + (i + 0.4) * step:.1f}" y="{h - bottom + 18}" text-anchor="middle">{pr}</text>')
    for j, c in enumerate(shown):
        out.append(f'<rect x="{left + 10 + j * 130}" y="{h - 24}" width="12" height="12" fill="{colors.get(c, "#777")}"/>'
                   f'<text x="{left + 28 + j * 130}" y="{h - 14}">{c}</text>')
    out.append("</svg>")
    with open(path, "w") as f:
        f.write("\n".join(out))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lib", required=True)
    ap.add_argument("--prog-dir", required=True)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--scale", type=float, default=1.0)
    ap.add_argument("--configs", default=",".join(CONFIGS))
    ap.add_argument("--programs", default="")
    ap.add_argument("--csv", default="bench.csv")
    ap.add_argument("--svg", default="bench.svg")
    ap.add_argument("--no-memory", action="store_true")
    ap.add_argument("--cpu", action="store_true", help="CPU seconds instead of wall: for a busy machine")
    a = ap.parse_args()
    configs = a.configs.split(",")
    progs = programs(a.prog_dir, a.scale)
    if a.programs:
        progs = {k: progs[k] for k in a.programs.split(",")}
    ncpu = sorted(os.sched_getaffinity(0))
    times, mem, want = {}, {}, {}
    with open(a.csv, "w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["kind", "round", "program", "config", "value"])
        for r in range(a.rounds):
            for pr, (cmd, env, text) in progs.items():
                cpus = f"{ncpu[0]},{ncpu[-1]}" if pr in ("larson", "mstress", "xmalloc") else str(ncpu[-1])
                order = configs[r % len(configs):] + configs[:r % len(configs)]
                for c in order:
                    subprocess.run([f"{a.prog_dir}/warm", str(WARM_MB)], check=True)
                    t, rc, text_out = timed(cmd, env, a.lib, CONFIGS[c], cpus, text, a.cpu)
                    ref = want.setdefault(pr, (rc, text_out))
                    if rc or ref != (rc, text_out):
                        sys.exit(f"bench: {pr} under {c}: status {rc}, output differs or failed:\n"
                                 + text_out.decode(errors="replace")[:2000])
                    times.setdefault((pr, c), []).append(t)
                    out.writerow(["seconds", r, pr, c, f"{t:.4f}"])
                    f.flush()
            print(f"bench: round {r + 1} of {a.rounds} done", file=sys.stderr, flush=True)
        if not a.no_memory:
            for pr, (cmd, env, text) in progs.items():
                for c in configs:
                    peaks = [memory(cmd, env, a.lib, CONFIGS[c], f"{ncpu[0]},{ncpu[-1]}", text)
                             for _ in range(a.rounds)]
                    mem[pr, c] = statistics.median(peaks)
                    out.writerows(["kB", r, pr, c, kb] for r, kb in enumerate(peaks))
    ratio = {}
    for pr in progs:
        for c in configs:
            ratio[pr, c] = statistics.median(x / g for x, g in zip(times[pr, c], times[pr, "glibc"]))
    for c in configs:
        ratio["geomean", c] = geomean([ratio[pr, c] for pr in progs])
    others = [c for c in configs if c != "glibc"]
    print("| time, x glibc | glibc s | " + " | ".join(others) + " |")
    print("|---|---|" + "---|" * len(others))
    for pr in list(progs) + ["geomean"]:
        g = f"{statistics.median(times[pr, 'glibc']):.2f}" if pr in progs else ""
        print(f"| {pr} | {g} | " + " | ".join(f"{ratio[pr, c]:.2f}" for c in others) + " |")
    if mem:
        print("\n| memory: PSS + page tables, MB | glibc | " + " | ".join(others) + " |")
        print("|---|---|" + "---|" * len(others))
        for pr in progs:
            print(f"| {pr} | " + " | ".join(f"{mem[pr, c] / 1024:.0f}" for c in configs) + " |")
        worst = {c: max((mem[pr, c] - 24 * 1024) / max(mem[pr, "glibc"], 1) for pr in progs) for c in others}
        print("| worst (x - 24 MB) / glibc | | " + " | ".join(f"{worst[c]:.2f}" for c in others) + " |")
    chart(a.svg, progs, configs, ratio)


if __name__ == "__main__":
    main()
