"""65 threads at once that allocate, and a child process: more vCPUs than any quarantine of them waits for."""
import subprocess
import threading

results = []
start = threading.Barrier(65)


def work(i):
    start.wait()
    results.append(sum(len(str(j)) for j in range(i)))


threads = [threading.Thread(target=work, args=(i,)) for i in range(65)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(len(results), sorted(results)[:9], subprocess.check_output(["echo", "sub"]))
