# Threads, signals, processes and memory from Python; prints only what does not vary.
import ctypes, mmap, multiprocessing as mp, os, queue, resource, select, signal, socket, subprocess, sys, threading, time

def square(x):
    return x * x

def main():
    got = []
    signal.signal(signal.SIGUSR1, lambda s, f: got.append("usr1"))
    signal.signal(signal.SIGALRM, lambda s, f: got.append("alrm"))
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    while "alrm" not in got:
        time.sleep(0.01)
    print(got)
    n = [0]
    lock = threading.Lock()

    def add():
        for _ in range(2000):
            with lock:
                n[0] += 1

    for _ in range(4):
        ts = [threading.Thread(target=add) for _ in range(16)]
        [t.start() for t in ts]
        [t.join() for t in ts]
    print("threads", n[0])
    q = queue.Queue()
    alive = [threading.Thread(target=q.get) for _ in range(64)]
    [t.start() for t in alive]
    print("alive", threading.active_count())
    [q.put(0) for _ in alive]
    [t.join() for t in alive]
    print(subprocess.run(["sh", "-c", "echo $((6*7)); exit 3"], stdout=subprocess.PIPE))
    pids = []
    for i in range(8):
        pid = os.fork()
        if pid == 0:
            os._exit(i)
        pids.append(pid)
    print([os.waitpid(p, 0)[1] >> 8 for p in pids])
    p = subprocess.Popen(["sleep", "100"])
    p.terminate()
    print("terminated", p.wait())
    with mp.Pool(2) as pool:
        print(pool.map(square, range(10)))
    m = mmap.mmap(-1, 1 << 20)
    m[5000:5003] = b"abc"
    print(m[5000:5003], ctypes.CDLL(None).strlen(b"hello"))
    a, b = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        b.send(b"child")
        os._exit(0)
    print(a.recv(10), os.waitpid(pid, 0)[1])
    r = select.select([a], [], [], 0.05)
    print(r)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        ctypes.string_at(8)
    print("segv", os.WTERMSIG(os.waitpid(child, 0)[1]))

if __name__ == "__main__":
    main()
