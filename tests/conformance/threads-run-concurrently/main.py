import threading, time
barrier, lock, total = threading.Barrier(8), threading.Lock(), []

def work(number):
    barrier.wait()
    time.sleep(0.2)
    with lock:
        total.append(number)

started = time.monotonic()
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(total), time.monotonic() - started < 1.5)
threading.Thread(target=lambda: (time.sleep(0.2), print("last word"))).start()
