# python3: its own installed test modules; the set of test results must be equal.
# needs: /usr/bin/python3 /usr/lib/python3*/test/test_json/__init__.py
# timeout: 150
# not-tiny: 25 s in an emulator; kvm-python-tests in test/vm/list.d/kvm.list does the like
# full-timeout: 1800
# With PYTHONMALLOC=malloc every object is a block of ours; the long modules do so in full size only.
mods="malloc:test_copy pymalloc:test_json pymalloc:test_re"
[ "$SIZE" = tiny ] && mods="malloc:test_copy pymalloc:test_heapq"
if [ "$SIZE" = full ]; then
	mods=
	for m in json re collections struct heapq deque copy threading subprocess ctypes decimal dict \
		list set bytes weakref gc generators mmap signal zlib pickle io hashlib float \
		itertools functools; do
		mods="$mods malloc:test_$m"
	done
	mods="$mods pymalloc:test_asyncio pymalloc:test_multiprocessing_main_handling malloc:test_fork1"
fi
cat >t.py <<'PY'
import sys, unittest, io, importlib, gc, os, time, types
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
if name == "test_re":
    # It allows 0.1 s for what takes 0.3 ms, and 30 s for a process: on a busy machine both are the others' time.
    from test import test_re
    test_re.time = types.SimpleNamespace(perf_counter=time.process_time)
    test_re.SHORT_TIMEOUT = None
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
	PYTHONMALLOC=${m%:*} timeout 900 /usr/bin/python3 -W ignore t.py ${m#*:} 2>err.${m#*:}
	echo "$m status $?"
done
exit 0
