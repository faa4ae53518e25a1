import os
import socket

import host
from attempts import attempt


def connect(name):
    with socket.socket(socket.AF_UNIX) as way:
        way.connect("\0" + name)


attempt("stream", lambda: connect(host.ABSTRACT_SOCKET))
attempt("gVisor's own", lambda: connect("runsc-sandbox.run-00000000000000000000"))
try:
    print("all that are there:", [line.split()[-1] for line in open("/proc/net/unix") if "@" in line])
except OSError:
    print("all that are there: []")
