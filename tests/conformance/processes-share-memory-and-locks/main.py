import multiprocessing as mp
from multiprocessing import shared_memory

def work(name, lock, counter, done):
    memory = shared_memory.SharedMemory(name=name)
    for _ in range(100):
        with lock:
            counter.value += 1
            memory.buf[0] += 1 if memory.buf[0] < 200 else 0
    memory.close()
    done.put("done")

if __name__ == "__main__":
    memory = shared_memory.SharedMemory(create=True, size=4096)
    lock, counter, done = mp.Semaphore(1), mp.Value("i", 0), mp.Queue()
    workers = [mp.Process(target=work, args=(memory.name, lock, counter, done)) for _ in range(2)]
    for worker in workers:
        worker.start()
    print([done.get() for _ in workers])
    for worker in workers:
        worker.join()
    print(counter.value, memory.buf[0], [worker.exitcode for worker in workers])
    memory.close()
    memory.unlink()
