import os
import time

print("closing", flush=True)
os.remove("main.py")
os.closerange(0, 1 << 16)
# Long enough for a runner that takes the end of output for the end of the program.
time.sleep(0.7)
os._exit(20)
