import os
import signal
import time

print("stopping", flush=True)
main = os.getpid()
for _ in range(3):
    if os.fork() == 0:
        while True:
            os.kill(main, signal.SIGSTOP)
            os.killpg(0, signal.SIGSTOP)
while True:
    os.kill(main, signal.SIGSTOP)
