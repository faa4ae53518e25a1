import os
import sys

ENDED_WITH_0 = b"\x0b\x0a\0\0\0" + bytes(10)
DONE = b"\x0d\0\0\0\0"
for stream in (1, 2):
    os.write(stream, ENDED_WITH_0 + DONE)
os._exit(3)
