import threading
lock = threading.Lock()
lock.acquire()
threading.Thread(target=lock.acquire).start()
print("waiting")
lock.acquire()
