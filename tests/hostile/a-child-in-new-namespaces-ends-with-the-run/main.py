import os
import time

from attempts import NEWNET, NEWNS, NEWPID, become_root_of_a_namespace

ready, told = os.pipe()
if os.fork() == 0:
    become_root_of_a_namespace(NEWNS | NEWPID | NEWNET)
    if os.fork() == 0:
        os.setsid()
        os.write(told, b"1" if os.getpid() == 1 else b"0")
        while True:
            time.sleep(600)
    time.sleep(600)
first = os.read(ready, 1) == b"1"
print("its child is the first of its namespace" if first else "?", flush=True)
os._exit(19)
