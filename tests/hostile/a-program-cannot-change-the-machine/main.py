import time

from attempts import attempt, call, libc, refused, syscall

VHANGUP, IOPL, IOPERM = 153, 172, 173


attempt("power", lambda: call(libc.reboot, 0x1234567))
attempt("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))
attempt("name", lambda: call(libc.sethostname, b"owned", 5))
attempt("domain", lambda: call(libc.setdomainname, b"owned", 5))
refused("swap", call, libc.swapon, b"/work/main.py", 0)
refused("accounting", call, libc.acct, b"/work/main.py")
refused("quotas", call, libc.quotactl, 0x80000100, b"/dev/vda", 0, None)
refused("ports", syscall, IOPERM, 0x80, 1, 1)
refused("all ports", syscall, IOPL, 3)
refused("hang up", syscall, VHANGUP)
