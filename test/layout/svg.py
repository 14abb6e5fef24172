"""svg.py DRAWING TEXT: is the drawing well-formed, inside its frame, and to scale? Prints ok."""
import re
import sys
import xml.etree.ElementTree as ET

NS = "{http://www.w3.org/2000/svg}"
root = ET.parse(sys.argv[1]).getroot()
_, _, width, height = map(int, root.get("viewBox").split())
bad = []

bars = []
for r in root.iter(NS + "rect"):
    if r.get("x") is None:
        continue
    x, y, w, h = (int(r.get(k)) for k in ("x", "y", "width", "height"))
    bars.append((y, x, w, r.get("class")))
    if x < 0 or y < 0 or x + w > width or y + h > height:
        bad.append(f"rect outside: {x} {y} {w} {h}")
for t in root.iter(NS + "text"):
    if int(t.get("y")) > height or int(t.get("x")) > width:
        bad.append(f"text outside: {t.text}")

# Each band names its range; the widths of its bars must be the widths of the mapped rows.
rows = [(int(a, 16), int(b, 16)) for a, b in
        re.findall(r"^0x([0-9a-f]{16})-0x([0-9a-f]{16}) ", open(sys.argv[2]).read(), re.M)]
bands = 0
for t in root.iter(NS + "text"):
    m = re.search(r"window (0x\w+) at GPA .*shown (0x\w+) - (0x\w+),", t.text or "")
    if not m:
        continue
    bands += 1
    win, lo, hi = (int(v, 16) for v in m.groups())
    inside = [(max(a, lo), min(b, hi)) for a, b in rows if b > lo and a < hi]
    y = int(t.get("y")) + 100
    got = [(x, w) for by, x, w, c in bars if by == y and c in ("r", "rx", "rw", "rwx", "none")]
    want = []
    for a, b in inside:
        x0, x1 = (400 + (v - lo) * 11200 // (hi - lo) for v in (a, b))
        want.append((x0, max(x1 - x0, 12)))
    # The drawing was made after the text: the pool and the file's own page may have moved.
    if win != 0x200000000 and got != want:
        bad.append(f"{t.text}: bars {got}, want {want}")
if bands < 3:
    bad.append(f"only {bands} bands")
print("\n".join(bad) or "ok")
