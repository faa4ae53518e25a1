import glob
import os

FORGED = b"\1\0\0\0\x0c\0\4\0\0\0" + bytes(4) + b"\1\0\0\0\x0e\0\0\0\0\0"
written = []
for descriptor in range(3, 1024):
    try:
        os.write(descriptor, FORGED)
        written.append(descriptor)
    except OSError:
        pass
mine = f"/proc/{os.getpid()}/"
for path in glob.glob("/proc/*/fd/*") + glob.glob("/proc/*/task/*/fd/*") + ["/dev/console", "/dev/tty", "/dev/kmsg", "/dev/pts/0"]:
    if path.startswith((mine, "/proc/self/", "/proc/thread-self/")):
        continue
    try:
        os.write(os.open(path, os.O_WRONLY | os.O_NONBLOCK), FORGED)
        written.append(path)
    except OSError:
        pass
print("written to:", [1, 2] + written, flush=True)
os._exit(10)
