import os
import time

from attempts import call, libc

SEIZE, INTERRUPT, CONTINUE, SET_ANY_TRACER = 0x4206, 0x4207, 7, 0x59616D61
try:
    call(libc.prctl, SET_ANY_TRACER, -1, 0, 0, 0)
except OSError:
    pass
main = os.getpid()
ready, told = os.pipe()
if os.fork() == 0:
    call(libc.ptrace, SEIZE, main, None, None)
    os.write(told, b".")
    time.sleep(600)
os.read(ready, 1)
print("traced by its child", flush=True)
os._exit(13)
