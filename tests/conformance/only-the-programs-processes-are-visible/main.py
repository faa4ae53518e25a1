import os, subprocess
child = subprocess.Popen(["sleep", "30"])
others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid(), child.pid}
print(others <= {1}, os.getppid() in {0, 1})
for name in ("mem", "environ", "maps"):
    try:
        print(name, len(open(f"/proc/1/{name}", "rb").read(1)))
    except OSError:
        print(name, 0)
child.kill()
