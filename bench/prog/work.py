"""Dicts, classes, JSON, regular expressions and sorting: what a Python service does to its allocator."""
import json, re, sys
n = int(sys.argv[1]) if len(sys.argv) > 1 else 1
class Node:
    def __init__(self, k, v): self.k, self.v, self.kids = k, v, []
total = 0
for round_ in range(n):
    nodes = [Node(i, str(i * 7919 % 100003)) for i in range(30000)]
    for i, node in enumerate(nodes[1:], 1): nodes[i // 3].kids.append(node)
    doc = json.dumps([{"id": x.k, "v": x.v, "kids": [y.k for y in x.kids]} for x in nodes[:12000]])
    back = json.loads(doc)
    total += sum(len(x["kids"]) for x in back) + len(doc)
    words = re.findall(r"[a-z]+|\d+", doc)
    freq = {}
    for w in words: freq[w] = freq.get(w, 0) + 1
    total += len(sorted(freq.items(), key=lambda kv: (-kv[1], kv[0])))
print(total)
