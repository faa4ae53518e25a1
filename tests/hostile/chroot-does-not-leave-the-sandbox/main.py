import os

import host
from attempts import BIND, NEWNS, PRIVATE, RECURSIVE, attempt, become_root_of_a_namespace, call, in_a_child, libc, syscall

PIVOT_ROOT = 155
MARK = host.FILE

attempt("chroot", lambda: os.chroot("/tmp"))
attempt("pivot_root", lambda: syscall(PIVOT_ROOT, b"/tmp", b"/tmp"))


def climb():
    become_root_of_a_namespace(NEWNS)
    before = os.open("/", os.O_RDONLY)
    os.mkdir("/tmp/jail")
    try:
        os.chroot("/tmp/jail")
        os.fchdir(before)
        for _ in range(64):
            os.chdir("..")
        os.chroot(".")
    except OSError:
        pass
    print("above the sandbox's root:", os.path.exists(MARK), flush=True)


def pivot():
    become_root_of_a_namespace(NEWNS)
    try:
        call(libc.mount, None, b"/", None, RECURSIVE | PRIVATE, None)
        os.mkdir("/tmp/new")
        call(libc.mount, b"none", b"/tmp/new", b"tmpfs", 0, None)
        os.mkdir("/tmp/new/old")
        syscall(PIVOT_ROOT, b"/tmp/new", b"/tmp/new/old")
        os.chdir("/old")
        for _ in range(64):
            os.chdir("..")
    except OSError:
        pass
    print("after pivot_root:", os.path.exists(MARK) or os.path.exists("/old" + MARK), flush=True)


os.sys.stdout.flush()
in_a_child(climb)
in_a_child(pivot)
