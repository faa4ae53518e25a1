import os

from attempts import attempt, call, libc

KINDS = ("mnt", "net", "user", "pid", "ipc", "uts")
refused = []
for kind in KINDS:
    try:
        opened = os.open(f"/proc/1/ns/{kind}", os.O_RDONLY)
        call(libc.setns, opened, 0)
    except OSError:
        refused.append(kind)
print("of files:", refused)
ALL = 0x00020000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000
attempt("by the init", lambda: call(libc.setns, os.pidfd_open(1), ALL))
others = 0
for name in os.listdir("/proc"):
    if name.isdigit():
        for kind in KINDS:
            try:
                others += os.readlink(f"/proc/{name}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
            except OSError:
                pass
print("another namespace's:", others)
