import os

from attempts import attempt

FILE = "/usr/bin/env"
attempt("written", lambda: open(FILE, "r+b"))
attempt("cut", lambda: os.truncate(FILE, 0))
attempt("renamed", lambda: os.rename(FILE, "/usr/bin/vne"))
attempt("removed", lambda: os.remove(FILE))
attempt("linked from", lambda: os.link(FILE, "/work/env"))
attempt("its mode", lambda: os.chmod(FILE, 0o4755))
attempt("its times", lambda: os.utime(FILE))
attempt("its owner", lambda: os.chown(FILE, os.getuid(), os.getgid()))
attempt("an attribute", lambda: os.setxattr(FILE, "user.x", b"x"))
