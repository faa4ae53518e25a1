import threading, time
for _ in range(400):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(60)
