import time

from attempts import attempt, call, libc, syscall

VHANGUP, IOPL, IOPERM = 153, 172, 173


def refused(what, act):
    try:
        act()
        print(f"{what}: reached")
    except OSError:
        print(f"{what}: refused")


attempt("power", lambda: call(libc.reboot, 0x1234567))
attempt("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
attempt("name", lambda: call(libc.sethostname, b"owned", 5))
attempt("domain", lambda: call(libc.setdomainname, b"owned", 5))
refused("swap", lambda: call(libc.swapon, b"/work/main.py", 0))
refused("accounting", lambda: call(libc.acct, b"/work/main.py"))
refused("quotas", lambda: call(libc.quotactl, 0x80000100, b"/dev/vda", 0, None))
refused("ports", lambda: syscall(IOPERM, 0x80, 1, 1))
refused("all ports", lambda: syscall(IOPL, 3))
refused("hang up", lambda: syscall(VHANGUP))
