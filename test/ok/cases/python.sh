# python3: its own installed test modules; the set of test results must be equal.
# needs: /usr/bin/python3 /usr/lib/python3*/test/test_json/__init__.py
# timeout: 150
# full-timeout: 1800
mods="test_json test_re test_collections test_struct test_heapq test_deque test_copy"
[ "$SIZE" = full ] && mods="$mods test_threading test_subprocess test_multiprocessing_spawn
	test_ctypes test_decimal test_asyncio test_dict test_list test_set test_bytes
	test_weakref test_gc test_generators test_mmap test_signal test_fork1 test_zlib test_pickle
	test_io test_hashlib test_sqlite3 test_unicode test_float test_itertools test_functools"
cat >t.py <<'PY'
import sys, unittest, io, importlib, gc, os
# Names of the tests with their results, sorted: equal with and without us.
class Result(unittest.TestResult):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        self.lines = []
    def note(self, test, what):
        self.lines.append(f"{test.id()} {what}")
    def addSuccess(self, t): self.note(t, "ok")
    def addError(self, t, e): super().addError(t, e); self.note(t, "error")
    def addFailure(self, t, e): super().addFailure(t, e); self.note(t, "failed")
    def addSkip(self, t, r): self.note(t, "skipped")
    def addExpectedFailure(self, t, e): self.note(t, "expected failure")
name = sys.argv[1]
suite = unittest.defaultTestLoader.loadTestsFromName("test." + name)
r = Result()
from test import support
support.verbose = 0
out = sys.stdout
sys.stdout = io.TextIOWrapper(open(os.devnull, "wb"))
suite.run(r)
sys.stdout = out
for l in sorted(set(r.lines)):
    if not l.endswith(" ok"):
        print(l)
print(name, "tests:", r.testsRun, "bad:", len(r.errors) + len(r.failures))
for t, e in r.errors + r.failures:
    print(e, file=open(f"bad.{name}", "a"))
PY
for m in $mods; do
	PYTHONMALLOC=${PYM:-malloc} timeout 600 /usr/bin/python3 -W ignore t.py $m 2>err.$m
	echo "$m status $?"
done
exit 0
