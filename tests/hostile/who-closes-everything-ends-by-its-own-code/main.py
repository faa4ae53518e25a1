import os
import time

print("closing", flush=True)
os.remove("main.py")
os.closerange(0, 1 << 16)
# Long enough for whoever takes an end of output for the end.
time.sleep(0.7)
os._exit(20)
