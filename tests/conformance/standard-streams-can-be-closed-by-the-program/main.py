import os, sys, time
print("before")
os.close(1)
os.close(2)
time.sleep(0.3)
open("done", "w").write("after\n")
os._exit(6)
