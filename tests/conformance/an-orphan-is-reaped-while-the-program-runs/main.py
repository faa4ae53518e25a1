import os, time
for _ in range(5):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
time.sleep(0.3)
states = [open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] for pid in os.listdir("/proc") if pid.isdigit()]
print("zombies:", states.count("Z"))
