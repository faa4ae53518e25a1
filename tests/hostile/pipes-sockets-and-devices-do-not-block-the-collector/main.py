import os
import socket

os.mkfifo("a-pipe")
os.mkfifo("a-pipe-with-a-writer")
if os.fork() == 0:
    os.setsid()
    # A reader that never reads, so that the pipe has data as long as the writer lives.
    pipe = os.open("a-pipe-with-a-writer", os.O_RDWR)
    while True:
        os.write(pipe, bytes(1 << 16))
socket.socket(socket.AF_UNIX).bind("a-socket")
os.symlink("/dev/zero", "zero")
os.symlink("/dev/tty", "a-terminal")
