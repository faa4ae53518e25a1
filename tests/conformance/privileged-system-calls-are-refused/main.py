import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for call in (
    lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    lambda: libc.mount(b"/", b"/tmp", None, 4096, None),
    lambda: libc.umount2(b"/work", 2),
    lambda: libc.ptrace(16, 1, None, None),
    lambda: libc.reboot(0x1234567),
    lambda: libc.syscall(175, None, 0, b""),
    lambda: libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0),
):
    try:
        print("refused" if call() == -1 else "allowed")
    except OSError:
        print("refused")
