from attempts import attempt, call, libc

KEY = 0x6E656967
attempt("its memory", lambda: call(libc.shmget, KEY, 0, 0))
attempt("its semaphores", lambda: call(libc.semget, KEY, 0, 0))
attempt("its queue", lambda: call(libc.msgget, KEY, 0))
try:
    print("all memory:", len(open("/proc/sysvipc/shm").readlines()[1:]))
except OSError:
    print("all memory: 0")
