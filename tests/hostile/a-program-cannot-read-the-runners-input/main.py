import glob
import os

from attempts import attempt, syscall

PIDFD_GETFD = 438
attempt("/proc/1/fd/0", lambda: os.open("/proc/1/fd/0", os.O_RDONLY | os.O_NONBLOCK))
print("of the init beside its own streams:", sorted(set(os.listdir("/proc/1/fd")) - {"0", "1", "2"}))
init = os.pidfd_open(1)
attempt("by pidfd_getfd", lambda: syscall(PIDFD_GETFD, init, 0, 0))

# Its own output is excluded: it may read what the runner has not read yet.
own = [os.fstat(stream) for stream in (0, 1, 2)]
found = 0
for path in glob.glob("/proc/*/fd/*"):
    try:
        if any(os.path.samestat(os.stat(path), stream) for stream in own):
            continue
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        found += b"the request's own text" in os.read(opened, 1 << 20) and not os.path.samefile(path, "main.py")
    except (OSError, BlockingIOError):
        pass
print("the request's own text:", found)
