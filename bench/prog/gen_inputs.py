"""gen_inputs.py DIR SCALE: the inputs of the ten programs that nobody tuned for, the same at every run."""
import json
import os
import random
import subprocess
import sys

d, scale = sys.argv[1], float(sys.argv[2])
rnd = random.Random(7)
words = ["".join(rnd.choice("etaoinshrdlu") for _ in range(rnd.randint(2, 9))) for _ in range(20000)]


def many(n):
    return range(max(1, int(n * scale)))


with open(f"{d}/text", "w") as f:
    for _ in many(200000):
        f.write(" ".join(rnd.choices(words, k=8)) + "\n")
with open(f"{d}/data.json", "w") as f:
    json.dump([{"id": i, "name": rnd.choice(words), "tags": rnd.choices(words, k=4), "at": {"x": i % 97, "y": rnd.random()}}
               for i in many(150000)], f)
with open(f"{d}/data.xml", "w") as f:
    f.write("<all>")
    for i in many(150000):
        f.write(f'<item id="{i}"><name>{rnd.choice(words)}</name><text kind="{rnd.choice(words)}">{rnd.choice(words)}</text></item>')
    f.write("</all>")
with open(f"{d}/big.cc", "w") as f:
    f.write("#include <map>\n#include <regex>\n#include <string>\n#include <vector>\n")
    for i in many(60):
        f.write(f"struct key{i} {{ int n; bool operator<(const key{i} &o) const {{ return n < o.n; }} }};\n"
                f"std::map<key{i}, std::vector<std::string>> table{i};\n"
                f"void add{i}(int n, const char *s) {{ table{i}[key{i}{{n}}].push_back(s); }}\n")
with open(f"{d}/redis.in", "w") as f:
    for i in many(200000):
        f.write(f"SET key:{i % 50000} {'x' * rnd.randint(1, 400)}\n")
        f.write(f"LPUSH list:{i % 100} {rnd.choice(words)}\n")
    f.write("SHUTDOWN NOSAVE\n")
repo = f"{d}/repo"
os.mkdir(repo)
subprocess.run(["git", "init", "-q", repo], check=True)
p = subprocess.Popen(["git", "-C", repo, "fast-import", "--quiet"], stdin=subprocess.PIPE, text=True)
lines = [[rnd.choice(words) for _ in range(200)] for _ in range(40)]
for i in many(3000):
    n = rnd.randrange(40)
    lines[n][rnd.randrange(200)] = rnd.choice(words)
    text = "\n".join(lines[n]) + "\n"
    p.stdin.write(f"commit refs/heads/main\ncommitter a <a@b> {1000000 + i} +0000\ndata 2\nc\n"
                  f"M 644 inline f{n}\ndata {len(text)}\n{text}\n")
p.stdin.close()
sys.exit(p.wait())
