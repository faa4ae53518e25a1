import fcntl
import os
import select
import signal
import socket
import threading
import time

from attempts import libc

print("falling asleep", flush=True)
reading, writing = os.pipe()
server = socket.create_server(("127.0.0.1", 0))
lock = threading.Lock()
lock.acquire()
os.mkfifo("/tmp/pipe")
locked = open("/tmp/lock", "w")
fcntl.flock(locked, fcntl.LOCK_EX)
ways = (
    lambda: time.sleep(1 << 30),
    lambda: signal.pause(),
    lambda: os.read(reading, 1),
    lambda: select.poll().poll(),
    lambda: server.accept(),
    lambda: lock.acquire(),
    lambda: open("/tmp/pipe"),
    lambda: fcntl.flock(open("/tmp/lock"), fcntl.LOCK_EX),
    lambda: os.kill(os.getpid(), signal.SIGSTOP),
    lambda: libc.vfork() or libc.pause(),
)
for way in ways:
    if os.fork() == 0:
        way()
        os._exit(0)
while True:
    time.sleep(1 << 30)
