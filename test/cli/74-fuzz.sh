# What reads reports and rules, given any bytes: reports of each form with bytes changed, lines lost, doubled and cut. It ends
# by itself, with status 0 or with one line and status 2. The changes come from a seed: a failure is the same again.
for form in text asan json; do
	"$ud" --format=$form --symbolize-ms=60000 ./known 2>report.$form
done 2>/dev/null
{ "$ud" --no-symbolize ./known 2>report.raw; } 2>/dev/null
printf 'fun:outer\nmodule:*/lib?.so\nsrc:*.c\n# x\n' >rules.good
cat >fuzz.py <<'P'
import random
import subprocess
import sys
ud, rounds = sys.argv[1], int(sys.argv[2])
r = random.Random(14)
reports = [open(f"report.{f}", "rb").read() for f in ("text", "asan", "json", "raw")]
rules = open("rules.good", "rb").read()

def changed(data):
    data = bytearray(data)
    for _ in range(r.randint(1, 12)):
        at, lines = r.randrange(len(data) + 1), bytes(data).split(b"\n")
        what = r.randrange(7)
        if what == 0 and at < len(data):
            data[at] = r.choice(b"\0\n\x80\xff(){}[]\"\\:#+%0x 9a")
        elif what == 1:
            data[at:at] = r.choice([b"9" * 40, b"0x", b"{" * 3000, b"[" * 3000, b"\\u", b"A" * 5000, b"\xf0\x9f", b"%s%n"])
        elif what == 2:
            del data[at:at + r.randint(1, 200)]
        elif what == 3:
            data = bytearray(b"\n".join(l for l in lines if r.randrange(8)))
        elif what == 4:
            data = bytearray(b"\n".join(l for l in lines for _ in range(r.choice([1, 1, 1, 60]))))
        elif what == 5:
            r.shuffle(lines)
            data = bytearray(b"\n".join(lines))
        else:
            data += changed_once(r.choice(reports))
        data = data[:60000]
    return bytes(data)

def changed_once(data):
    at = r.randrange(len(data))
    return data[at:] + data[:at]

bad = []
for i in range(rounds):
    verb = [["symbolize"], ["symbolize", "--format=json"], ["symbolize", "--format=asan"], ["sarif"], ["html"], None][i % 6]
    open("changed", "wb").write(changed(rules if verb is None else r.choice(reports)))
    command = [ud, *(verb or ["--suppress=changed", "--", "true"])] + (["changed"] if verb else [])
    p = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=600)
    if p.returncode not in (0, 2) or p.stderr.count(b"\n") > (p.returncode == 2) or (p.returncode == 2 and not p.stderr.startswith(b"undangle: ")):
        open(f"bad.{i}", "wb").write(open("changed", "rb").read())
        bad.append((i, verb, p.returncode, p.stderr[:300]))
print(bad or "none")
P
verdict fuzz none "$(/usr/bin/python3 fuzz.py "$ud" 90 2>&1)"
