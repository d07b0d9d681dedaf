import concurrent.futures
import queue
import threading

results = queue.Queue()
threads = [threading.Thread(target=lambda n=n: results.put(n)) for n in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert sorted(results.queue) == list(range(20))
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(abs, range(-50, 0))) == 1275
print("ok")
