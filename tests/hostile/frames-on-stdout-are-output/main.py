import os
import sys

ENDED_WITH_0 = b"\1\0\0\0\x0c\0\4\0\0\0" + bytes(4)
DONE = b"\1\0\0\0\x0e\0\0\0\0\0"
for stream in (1, 2):
    os.write(stream, ENDED_WITH_0 + DONE)
os._exit(3)
