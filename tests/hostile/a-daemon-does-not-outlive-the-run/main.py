import os
import socket
import time

from attempts import call, libc

CHILD_SUBREAPER = 36
call(libc.prctl, CHILD_SUBREAPER, 1, 0, 0, 0)
ready, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.umask(0)
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        listener = socket.create_server(("127.0.0.1", 7777))
        os.write(told, b".")
        os.closerange(3, listener.fileno())
        while True:
            listener.accept()
    os._exit(0)
os.read(ready, 1)
print("left behind")
