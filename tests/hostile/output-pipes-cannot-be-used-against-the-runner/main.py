import fcntl
import os
import termios
import time

SET_PIPE_SIZE = 1031
os.write(1, b"before\n")
reader = os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)
while fcntl.ioctl(reader, termios.FIONREAD, bytes(4)) != bytes(4):
    time.sleep(0.01)
for act in (
    lambda: os.read(reader, 1),
    lambda: fcntl.fcntl(1, SET_PIPE_SIZE, 4096),
    lambda: fcntl.flock(1, fcntl.LOCK_EX),
    lambda: fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC),
    lambda: fcntl.fcntl(1, fcntl.F_SETOWN, 1),
    lambda: fcntl.fcntl(1, fcntl.F_SETLEASE, fcntl.F_WRLCK),
):
    try:
        act()
    except OSError:
        pass
os.write(1, b"after\n")
os._exit(11)
