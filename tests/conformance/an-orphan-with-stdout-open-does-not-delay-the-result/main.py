import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("daemon is up")
        open("up", "w").close()
        time.sleep(2)
        print("daemon is still there")
        time.sleep(60)
    os._exit(0)
while not os.path.exists("up"):
    time.sleep(0.01)
print("main is done")
os._exit(8)
