import ctypes

from attempts import call, libc

PRIVATE, CREATE = 0, 0o1600
libc.shmat.restype = ctypes.c_void_p
print("sharing", flush=True)
while True:
    segment = call(libc.shmget, PRIVATE, 8 << 20, CREATE)
    ctypes.memset(libc.shmat(segment, None, 0), 1, 8 << 20)
