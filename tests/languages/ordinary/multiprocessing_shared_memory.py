from multiprocessing import Lock, Process, Queue, Semaphore, Value
from multiprocessing.shared_memory import SharedMemory

def work(queue, value, lock, name):
    with lock:
        value.value += 1
    memory = SharedMemory(name)
    queue.put(bytes(memory.buf[:5]))
    memory.close()

if __name__ == "__main__":
    queue, value, lock, semaphore = Queue(), Value("i", 0), Lock(), Semaphore(2)
    memory = SharedMemory(create=True, size=4096)
    memory.buf[:5] = b"hello"
    workers = [Process(target=work, args=(queue, value, lock, memory.name)) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [queue.get() for _ in workers] == [b"hello"] * 3
    for worker in workers:
        worker.join()
    memory.close()
    memory.unlink()
    assert value.value == 3 and semaphore.acquire(timeout=1)
    print("ok")
