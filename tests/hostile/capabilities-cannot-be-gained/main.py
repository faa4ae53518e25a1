import ctypes
import os

from attempts import attempt, call, libc

AMBIENT, RAISE, SYS_ADMIN, NO_NEW_PRIVS, SECUREBITS = 47, 2, 21, 38, 28
for line in open("/proc/self/status"):
    name, value = line.split(":", 1)
    if name.startswith("Cap"):
        print(f"{name}: {int(value, 16)}")
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
everything = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
attempt("capset", lambda: call(libc.capset, header, everything))
attempt("ambient", lambda: call(libc.prctl, AMBIENT, RAISE, SYS_ADMIN, 0, 0))
attempt("no new privileges, taken back", lambda: call(libc.prctl, NO_NEW_PRIVS, 0, 0, 0, 0))
attempt("secure bits", lambda: call(libc.prctl, SECUREBITS, 0x2F, 0, 0, 0))
attempt("another user", lambda: os.setuid(0))
attempt("another group", lambda: os.setgid(0))
attempt("more groups", lambda: os.setgroups([0]))
