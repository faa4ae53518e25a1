import os
import signal

print("stopping all but this one", flush=True)
for target in (1, -1):
    for stop in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN):
        try:
            os.kill(target, stop)
        except OSError:
            pass
while True:
    signal.pause()
