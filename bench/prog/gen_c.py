"""Writes a large C file to stdout: the input of the cc1 benchmark. Usage: gen_c.py FUNCTIONS"""
import sys
n = int(sys.argv[1])
print("typedef struct node { struct node *next; int v[8]; double d; } node;")
for i in range(n):
    print(f"""static int f{i}(node *p, int n, const unsigned *t)
{{
\tint s = {i}, k;
\tfor (k = 0; k < n; k++) {{
\t\tif (p->v[k & 7] > {i % 97}) s += p->v[(k + {i}) & 7] * t[k & 15];
\t\telse if (t[k & 15] % {i % 13 + 2} == 1) {{ s ^= k << {i % 7}; p->d += s / ({i}.5 + k); }}
\t\telse switch (s & 7) {{ case 0: s -= k; break; case 3: s += n / (k + 1); break; case 5: p = p->next ? p->next : p; break; default: s = s * 31 + k; }}
\t}}
\treturn s{f" + f{i-1}(p, n - 1, t)" if i else ""};
}}""")
print(f"int entry(node *p, int n, const unsigned *t) {{ return f{n-1}(p, n, t); }}")
