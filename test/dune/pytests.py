#!/usr/bin/python3
"""pytests.py MODULE [-t SECONDS] [-k PATTERN]... [-x PATTERN]... [-l]

Python's own test module in ring 0, and whatever is not "ok" there natively as well, in this machine:
the verdict must be equal. One that differs is run again, alone, both ways, up to twice: what is slow
here fails now and then natively too, and then says nothing. A test that fails natively as well counts
as equal. -t: seconds for one test; -k, -x: only tests whose id matches, or none that matches
(substrings); -l: say how long each took. The last line has the numbers; status 1 if a difference
remains.
"""
import argparse, faulthandler, os, signal, subprocess, sys, tempfile, time, unittest

HERE = os.path.abspath(__file__)
WRAPPER = [os.path.join(os.path.dirname(HERE), "../../build/undangle"), "dune", "--"]
PYTHON = "/usr/bin/python3"


class Record(unittest.TestResult):
    """Each verdict goes to the file at once: a test that ends the process must not take them along."""

    def __init__(self, path, seconds):
        super().__init__()
        self.path, self.seconds, self.verdict = path, seconds, None

    def line(self, test, verdict):
        with open(self.path, "a") as f:
            f.write("%s\t%s\t%.1f\n" % (test.id(), verdict, time.time() - self.began))

    def startTest(self, test):
        super().startTest(test)
        faulthandler.dump_traceback_later(self.seconds, exit=True)
        self.verdict, self.began = "ok", time.time()
        self.line(test, "died")

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)
        self.line(test, self.verdict)

    def bad(self, test, err, verdict):
        self.verdict = verdict
        sys.stderr.write("%s %s\n%s\n" % (verdict, test.id(), self._exc_info_to_string(err, test)))

    def addFailure(self, test, err):
        self.bad(test, err, "fail")

    def addError(self, test, err):
        if not hasattr(self, "began"):  # setUpModule, setUpClass
            self.began = time.time()
        self.bad(test, err, "error")
        if not isinstance(test, unittest.TestCase):
            self.line(test, "error")

    def addSubTest(self, test, subtest, err):
        if err:
            self.bad(test, err, "fail")

    def addSkip(self, test, reason):
        self.verdict = "skip"
        if not hasattr(self, "began"):
            self.began = time.time()
        if not isinstance(test, unittest.TestCase):
            self.line(test, "skip")

    def addExpectedFailure(self, test, err):
        self.verdict = "xfail"

    def addUnexpectedSuccess(self, test):
        self.verdict = "xpass"


def flatten(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from flatten(t)
        else:
            yield t


def chosen(tests, only, without):
    for t in tests:
        i = t.id()
        if (not only or any(k in i for k in only)) and not any(x in i for x in without):
            yield t


def child(a):
    """This process runs the tests. `done` names those not to be run (again)."""
    done = set(open(a.done).read().split()) if a.done else set()
    tests = unittest.defaultTestLoader.loadTestsFromName("test." + a.module)
    tests = [t for t in chosen(flatten(tests), a.k, a.x) if t.id() not in done]
    if a.only:
        only = set(open(a.only).read().split())
        tests = [t for t in tests if t.id() in only]
    unittest.TestSuite(tests).run(Record(a.child, a.t))


def verdicts(path):
    r = {}
    for line in open(path):
        test, verdict, took = line.rstrip("\n").split("\t")
        r[test] = (verdict, float(took))
    return r


def run(a, wrapper, only=None):
    """Runs all or only some, going on after a test that ended the process. Returns {id: (verdict, seconds)}."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "verdicts")
        log = open(os.path.join(d, "log"), "w+")
        open(path, "w").close()
        for _ in range(20):
            argv = wrapper + [PYTHON, HERE, a.module, "--child", path, "--done", path + ".done", "-t", str(a.t)]
            argv += [x for k in a.k for x in ("-k", k)] + [x for k in a.x for x in ("-x", k)]
            if only:
                with open(path + ".only", "w") as f:
                    f.write("\n".join(only))
                argv += ["--only", path + ".only"]
            with open(path + ".done", "w") as f:
                f.write("\n".join(verdicts(path)))
            before = len(verdicts(path))
            rc = subprocess.call(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=d)
            v = verdicts(path)
            if rc == 0 or len(v) == before:
                break
        log.seek(0)
        return v, log.read()


def say(what):
    print(what, flush=True)


def verdict(v, i):
    return v.get(i, ("none", 0))[0]


def compare(a):
    start = time.time()
    ring0, log = run(a, WRAPPER)
    took = time.time() - start
    if a.l:
        for i, (v, s) in sorted(ring0.items(), key=lambda x: -x[1][1])[:20]:
            say("  %7.1f s %-5s %s" % (s, v, i))
    look = [i for i in ring0 if ring0[i][0] != "ok"]
    native = run(a, [], look)[0] if look else {}
    shaky, wrong, both = [], [], []
    for i in sorted(look):
        n, r, alone = verdict(native, i), verdict(ring0, i), log
        first = "natively %s, in ring 0 %s" % (n, r)
        for _ in range(2):
            if n == r:
                break
            n = verdict(run(a, [], [i])[0], i)
            again, alone = run(a, WRAPPER, [i])
            r = verdict(again, i)
        if n != r:
            wrong.append(i)
            say("DIFFERS %s: %s; alone: natively %s, in ring 0 %s" % (i, first, n, r))
            say(alone[-6000:])
        elif verdict(native, i) != verdict(ring0, i):
            shaky.append(i)
            say("differed once: %s: %s; alone: both %s" % (i, first, n))
        elif r != "skip":
            both.append(i)
            say("%s natively as well: %s" % (r, i))
    if not ring0:
        say(log[-6000:])
    count = lambda v: sum(1 for x in ring0.values() if x[0] == v)
    say("%s: %d tests in ring 0 in %d s: %d ok, %d skipped as natively, %d fail natively too, %d differed once, "
        "%d differ" % (" ".join([a.module] + a.k), len(ring0), took, count("ok"), count("skip"), len(both),
                       len(shaky), len(wrong)))
    return 1 if wrong or not ring0 else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("module")
    p.add_argument("-t", type=int, default=300)
    p.add_argument("-k", action="append", default=[])
    p.add_argument("-x", action="append", default=[])
    p.add_argument("-l", action="store_true")
    p.add_argument("--child")
    p.add_argument("--done")
    p.add_argument("--only")
    a = p.parse_args()
    if a.child:
        child(a)
        return 0
    for s in (signal.SIGINT, signal.SIGQUIT):  # ignored in a job of the suite, and inherited
        signal.signal(s, signal.SIG_DFL)
    return compare(a)


if __name__ == "__main__":
    sys.exit(main())
