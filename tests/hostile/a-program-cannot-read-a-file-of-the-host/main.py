import os

import host
from attempts import attempt

path = host.FILE


def read(path):
    with open(path, "rb") as file:
        return file.read(1)


attempt("its path", lambda: read(path))
attempt("from above", lambda: read("../" * 40 + path))
attempt("the init's root", lambda: read(f"/proc/1/root{path}"))
attempt("the init's folder", lambda: read("/proc/1/cwd/" + "../" * 40 + path))
attempt("its own root", lambda: read(f"/proc/self/root{path}"))
attempt("a thread's root", lambda: read(f"/proc/self/task/{os.getpid()}/root{path}"))
