"""A run beside hostile ones: it leaves files and keys, listens, and reports connections."""
import ctypes
import os
import select
import socket

KEY, CREATE_FOR_ALL = 0x6E656967, 0o1666
libc = ctypes.CDLL(None)
libc.shmget(KEY, 4096, CREATE_FOR_ALL)
libc.semget(KEY, 1, CREATE_FOR_ALL)
libc.msgget(KEY, CREATE_FOR_ALL)
for folder in ("/work", "/tmp", "/var/tmp", "/dev/shm", "/home/user"):
    if os.path.isdir(folder):
        with open(f"{folder}/neighbour-was-here", "w") as file:
            file.write("a secret of another run")
listeners = [socket.create_server(("0.0.0.0", 4999)), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
listeners[1].bind("\0neighbour")
listeners[2].bind("/tmp/neighbour.sock")
os.chmod("/tmp/neighbour.sock", 0o777)
for listener in listeners:
    listener.listen()
print("waiting", flush=True)
while True:
    for listener in select.select(listeners, [], [])[0]:
        print("connection to", listener.getsockname(), flush=True)
        listener.accept()
