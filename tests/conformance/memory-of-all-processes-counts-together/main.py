import os, time
for _ in range(4):
    if os.fork() == 0:
        hoard = b"x" * (60 << 20)
        time.sleep(30)
        os._exit(0)
for _ in range(4):
    os.wait()
