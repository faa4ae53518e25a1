import os
import signal
import time

ready, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in signal.valid_signals():
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.write(told, b".")
        while True:
            time.sleep(600)
    os._exit(0)
os.read(ready, 1)
print("gone", flush=True)
os._exit(18)
