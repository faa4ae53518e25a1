import threading
thread = threading.Thread(target=lambda: [][1], name="worker")
thread.start()
thread.join()
print("main goes on")
