import fcntl
import os

from attempts import libc

os.write(1, b"watching\n")
opened = os.open("file", os.O_CREAT | os.O_RDWR)
byte = 0
while True:
    notifier = libc.inotify_init1(0)
    libc.inotify_add_watch(notifier, b"/work", 0xFFF)
    for _ in range(1000):
        byte += 2
        fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    try:
        os.setxattr("file", f"user.{byte}", bytes(60000))
    except OSError:
        pass
