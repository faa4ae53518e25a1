import ctypes
import os
import signal

from attempts import libc

signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
os.write(1, b"ringing\n")
timer = ctypes.c_void_p()
every_microsecond = (ctypes.c_long * 4)(0, 1000, 0, 1000)
for _ in range(200):
    if libc.timer_create(1, None, ctypes.byref(timer)) == 0:
        libc.timer_settime(timer, 0, every_microsecond, None)
while True:
    libc.sigqueue(os.getpid(), signal.SIGRTMIN, None)
