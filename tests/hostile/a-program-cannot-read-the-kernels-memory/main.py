import os

from attempts import attempt

for path in ("/proc/kcore", "/dev/mem", "/dev/kmem", "/dev/port", "/proc/kallsyms", "/proc/kpageflags", "/proc/iomem"):
    attempt(path, lambda: open(path, "rb").read(1))
attempt("/sys/kernel/debug", lambda: os.listdir("/sys/kernel/debug"))
for path in ("/sys/firmware", "/boot"):
    print(f"{path}:", os.listdir(path) if os.path.isdir(path) else [])
