#!/usr/bin/env python3
"""Programs x allocators, interleaved and pinned: ratios to glibc, medians, memory.

Every round runs each program once under each allocator, in an order that rotates, so that a noisy
minute hits all of them. Before each one, WARM_MB of memory is touched and given back: where a
hypervisor takes away what is free, the next to touch it pays ten times as much (bench/prog/warm.c).
Time is the median over rounds of the ratio to the same round's glibc run. Memory is taken in runs of
its own (sampling slows a process): the peak over samples of PSS + page tables (smaps_rollup and VmPTE), minus nothing. Only the standard library is used.
Output: a table on stdout, all raw rows in CSV, a bar chart in SVG.
"""
import argparse, csv, math, os, resource, shutil, statistics, subprocess, sys, tempfile, time

import peers

WARM_MB = 600
LIMIT = 600  # seconds of a run; valgrind and electric-fence may need more than is sensible
HERE = os.path.dirname(os.path.abspath(__file__))


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


def untuned(prog_dir, scale):
    """Ten programs as Debian has them, that this project was not tuned with."""
    d = os.path.join(prog_dir, "inputs")
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d)
    subprocess.run([sys.executable, f"{HERE}/prog/gen_inputs.py", d, str(scale)], check=True)
    cc1plus, arch = (subprocess.run(["g++", a], capture_output=True, text=True).stdout.strip()
                     for a in ("-print-prog-name=cc1plus", "-print-multiarch"))
    count = r'BEGIN { RS = "[ \n]" } { n[$0]++ } END { m = asorti(n, k); for (i = 1; i <= m; i += 100) print k[i], n[k[i]] }'
    redis = f"(until [ -S {d}/s ]; do sleep 0.01; done; redis-cli -s {d}/s <{d}/redis.in >/dev/null) & " \
            f"exec redis-server --port 0 --unixsocket {d}/s --save '' >/dev/null"
    return {
        "perl": (["perl", "-ne", '$n{$_}++ for split; END { print "$_ $n{$_}\n" for (sort { $n{$a} <=> $n{$b} || $a cmp $b } keys %n)[-9..-1] }',
                  f"{d}/text"], {"PERL_HASH_SEED": "0"}, None),
        "ruby": (["ruby", "-e", 'n = Hash.new(0); ARGF.each_line { |l| l.split.each { |w| n[w] += 1 } }; '
                  'p n.sort_by { |w, c| [-c, w] }.first(9)', f"{d}/text"], {}, None),
        "gawk": (["gawk", count, f"{d}/text"], {}, None),
        "jq": (["jq", "-c", "[.[] | select(.at.x < 20) | {name, n: (.tags | length)}] | group_by(.name) | map({k: .[0].name, n: length}) | length",
                f"{d}/data.json"], {}, None),
        "xmllint": (["xmllint", "--xpath", "count(//text[@kind=//item[1]/name])", f"{d}/data.xml"], {}, None),
        "git": (["git", "-C", f"{d}/repo", "log", "-p", "--stat", "main"], {}, None),
        "cc1plus": ([cc1plus, "-quiet", "-imultiarch", arch, "-D_GNU_SOURCE", "-O1", f"{d}/big.cc", "-o", "/dev/null"], {}, None),
        "sort": (["sort", "--parallel=1", "-S", "100M", f"{d}/text"], {"LC_ALL": "C"}, None),
        "redis": (["sh", "-c", redis], {}, None),
        "pymalloc": (["/usr/bin/python3", f"{HERE}/prog/work.py", str(max(1, int(4 * scale)))], {"PYTHONHASHSEED": "1"}, None),
    }


def command(cmd, env, peer, cpus):
    """What to run and in which environment; None where this peer has no build of the program."""
    if peer.asan:
        cmd = [os.path.join(os.path.dirname(cmd[0]), "asan", os.path.basename(cmd[0]))] + cmd[1:]
        if not os.path.exists(cmd[0]):
            return None
    # only what is measured is under the peer: no taskset, no shell before it
    under = ["env"] + [f"{k}={v}" for k, v in peer.env.items()] if peer.env else []
    return ["taskset", "-c", cpus] + under + peer.prefix + cmd, dict(os.environ, **env)


def timed(run, text, cpu_time):
    """Seconds, status, output; None after LIMIT."""
    with tempfile.TemporaryFile() as inp:
        inp.write((text or "").encode())
        inp.seek(0)
        t0, c0 = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            r = subprocess.run(run[0], env=run[1], stdin=inp, capture_output=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return None
        t, c1 = time.perf_counter() - t0, resource.getrusage(resource.RUSAGE_CHILDREN)
        if cpu_time:
            t = c1.ru_utime + c1.ru_stime - c0.ru_utime - c0.ru_stime
        return t, r.returncode, r.stdout + r.stderr


def memory(run, text):
    """Peak of PSS + page tables in kB over samples."""
    with tempfile.TemporaryFile() as inp:
        inp.write((text or "").encode())
        inp.seek(0)
        p = subprocess.Popen(run[0], env=run[1], stdin=inp, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def measure(a, configs, progs, out):
    """times[program, peer]: seconds a round; memory[program, peer]: kB. A peer that fails or takes too long is told
    once and tried no more; where it is ours, that is an error."""
    ncpu = sorted(os.sched_getaffinity(0))
    times, mem, want, dropped = {}, {}, {}, set()

    def go(r, pr, peer):
        cmd, env, text = progs[pr]
        cpus = f"{ncpu[0]},{ncpu[-1]}" if pr in ("larson", "mstress", "xmalloc") else str(ncpu[-1])
        run = command(cmd, env, peer, cpus)
        if not run or (pr, peer.name) in dropped:
            return
        subprocess.run([f"{a.prog_dir}/warm", str(WARM_MB)], check=True)
        got = timed(run, text, a.cpu)
        ref = want.setdefault(pr, got and got[1:])
        if got and got[1] == 0 and got[1:] == ref:
            times.setdefault((pr, peer.name), []).append(got[0])
            out(["seconds", r, pr, peer.name, f"{got[0]:.4f}"])
            return
        told = f"no end after {LIMIT} s" if not got else \
             f"status {got[1]}, output differs or failed:\n" + got[2].decode(errors="replace")[:600]
        if peer.name == "glibc" or got and peer.says is peers.OURS:
            sys.exit(f"bench: {pr} under {peer.name}: {told}")
        print(f"bench: {pr} under {peer.name}: {told}", file=sys.stderr)
        dropped.add((pr, peer.name))

    for r in range(a.rounds):
        for pr in progs:
            for peer in configs[r % len(configs):] + configs[:r % len(configs)]:
                go(r, pr, peer)
        print(f"bench: round {r + 1} of {a.rounds} done", file=sys.stderr, flush=True)
    for pr, peer in [] if a.no_memory else [(pr, c) for pr in progs for c in configs if (pr, c.name) in times]:
        cmd, env, text = progs[pr]
        run = command(cmd, env, peer, f"{ncpu[0]},{ncpu[-1]}")
        peaks = [memory(run, text) for _ in range(a.rounds)]
        mem[pr, peer.name] = statistics.median(peaks)
        for r, kb in enumerate(peaks):
            out(["kB", r, pr, peer.name, kb])
    return times, mem


def tables(progs, names, times, mem):
    """Prints both tables; returns the ratios of the first. A dash: it did not run the program to its end."""
    ratio = {key: statistics.median(x / g for x, g in zip(t, times[key[0], "glibc"])) for key, t in times.items()}
    cell = lambda table, key, form: form % table[key] if key in table else "–"
    others = [c for c in names if c != "glibc"]
    print("| time, x glibc | glibc s | " + " | ".join(others) + " |")
    print("|---|---|" + "---|" * len(others))
    for pr in progs:
        print(f"| {pr} | {statistics.median(times[pr, 'glibc']):.2f} | " + " | ".join(cell(ratio, (pr, c), "%.2f") for c in others) + " |")
    for c in names:
        ran = [ratio[pr, c] for pr in progs if (pr, c) in ratio]
        if ran:
            ratio["geomean", c] = geomean(ran)
    partly = lambda c: "" if all((pr, c) in times for pr in progs) else f" ({sum((pr, c) in times for pr in progs)})"
    print("| geomean | | " + " | ".join(cell(ratio, ("geomean", c), "%.2f") + partly(c) for c in others) + " |")
    if mem:
        print("\n| memory: PSS + page tables, MB | glibc | " + " | ".join(others) + " |")
        print("|---|---|" + "---|" * len(others))
        for pr in progs:
            print(f"| {pr} | " + " | ".join(f"{mem[pr, c] / 1024:.0f}" if (pr, c) in mem else "–" for c in names) + " |")
        over = {c: [mem[pr, c] / max(mem[pr, "glibc"], 1) for pr in progs if (pr, c) in mem] for c in others}
        print("| geomean, x glibc | | " + " | ".join(f"{geomean(over[c]):.2f}" + partly(c) for c in others) + " |")
    return ratio


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lib", required=True)
    ap.add_argument("--prog-dir", required=True)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--scale", type=float, default=1.0)
    ap.add_argument("--peers", action="store_true", help="and the other tools that are installed")
    ap.add_argument("--peer", action="append", default=[], help="NAME=PATH of a preloadable library")
    ap.add_argument("--configs", default="")
    ap.add_argument("--programs", default="")
    ap.add_argument("--untuned", action="store_true", help="and the ten programs that nobody tuned for")
    ap.add_argument("--csv", default="bench.csv")
    ap.add_argument("--svg", default="bench.svg")
    ap.add_argument("--no-memory", action="store_true")
    ap.add_argument("--cpu", action="store_true", help="CPU seconds instead of wall: for a busy machine")
    a = ap.parse_args()
    configs = peers.chosen(a.lib, a.peers, a.peer, a.configs)
    progs = programs(a.prog_dir, a.scale)
    if a.untuned:
        progs.update(untuned(a.prog_dir, a.scale))
    if a.programs:
        progs = {k: progs[k] for k in a.programs.split(",")}
    with open(a.csv, "w", newline="") as f:
        rows = csv.writer(f)

        def out(row):
            rows.writerow(row)
            f.flush()

        out(["kind", "round", "program", "config", "value"])
        times, mem = measure(a, configs, progs, out)
    names = [c.name for c in configs]
    chart(a.svg, progs, names, tables(progs, names, times, mem))


if __name__ == "__main__":
    main()
