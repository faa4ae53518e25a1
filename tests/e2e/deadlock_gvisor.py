import ctypes
import os
import signal
import time

CLONE_VM, CLONE_SIGHAND = 0x100, 0x800
libc = ctypes.CDLL(None, use_errno=True)
os.write(1, b"before\n")
if os.fork() == 0:
    stack = ctypes.create_string_buffer(1 << 16)
    top = (ctypes.addressof(stack) + (1 << 16)) & ~15
    pause = ctypes.cast(libc.pause, ctypes.c_void_p)
    flags = CLONE_VM | CLONE_SIGHAND | signal.SIGCHLD
    pid = libc.clone(pause, ctypes.c_void_p(top), flags, None)
    os.setpgid(pid, pid)
    os.setsid()
    # Reached only if gVisor does not deadlock.
    os.kill(pid, signal.SIGKILL)
    os._exit(0)
while True:
    time.sleep(600)
