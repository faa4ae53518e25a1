import os
import signal

print("aiming", flush=True)
os.kill(1, signal.SIGKILL)
while True:
    signal.pause()
