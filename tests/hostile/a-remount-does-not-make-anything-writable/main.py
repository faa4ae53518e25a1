import os
import sys

from attempts import BIND, NEWNS, PRIVATE, RECURSIVE, REMOUNT, attempt, become_root_of_a_namespace, call, in_a_child, libc


def remount(path):
    call(libc.mount, None, path, None, REMOUNT | BIND, None)


def as_root():
    become_root_of_a_namespace(NEWNS)
    os.makedirs("/tmp/usr")
    for act in (
        lambda: call(libc.mount, None, b"/", None, RECURSIVE | PRIVATE, None),
        lambda: call(libc.mount, b"/usr", b"/tmp/usr", None, BIND | RECURSIVE, None),
        lambda: remount(b"/"),
        lambda: remount(b"/usr"),
        lambda: remount(b"/tmp/usr"),
    ):
        try:
            act()
        except OSError:
            pass
    changed = []
    files = ("/usr/bin/env", "/tmp/usr/bin/env", "/etc/passwd", "/cofferdam/runner")
    for file in filter(os.path.exists, files):
        folder = os.path.dirname(file)
        before = os.stat(file)
        for act in (
            lambda: os.write(os.open(file, os.O_WRONLY | os.O_APPEND), b"#"),
            lambda: os.chmod(file, 0o777),
            lambda: os.utime(file),
            lambda: os.chown(file, 0, 0),
            lambda: os.rename(file, file + "-moved"),
            lambda: os.mkdir(folder + "/made"),
        ):
            try:
                act()
            except OSError:
                pass
        if not os.path.exists(file) or os.stat(file) != before or os.path.exists(folder + "/made"):
            changed.append(file)
    print("as root of namespaces, changed:", changed, flush=True)


attempt("/", lambda: remount(b"/"))
attempt("/usr", lambda: remount(b"/usr"))
sys.stdout.flush()
in_a_child(as_root)
