# Tries to reach every process that does not belong to this program, as soon as it appears.
import ctypes, os, time

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ATTACH, DETACH, SEIZE = 16, 17, 0x4206
PIDFD_OPEN, PIDFD_GETFD, PROCESS_VM_READV = 434, 438, 310


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def attempt(what, act):
    try:
        found = act()
    except OSError:
        return
    if found:
        with open("/work/found", "a") as found_file:
            found_file.write(f"reached {what}\n")


def memory(pid):
    line = open(f"/proc/{pid}/maps").readline()
    start = int(line.split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as file:
        file.seek(start)
        return file.read(16)


def vm_read(pid):
    buffer = ctypes.create_string_buffer(16)
    own = Iovec(ctypes.cast(buffer, ctypes.c_void_p), 16)
    other = Iovec(0x400000, 16)
    return libc.syscall(PROCESS_VM_READV, pid, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) > 0


def descriptors(pid):
    found = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        for flags in (os.O_RDONLY, os.O_WRONLY):
            fd = os.open(f"/proc/{pid}/fd/{number}", flags | os.O_NONBLOCK)
            if flags == os.O_WRONLY:
                os.write(fd, b"forged")
            found.append(number)
            os.close(fd)
    return found


def stolen(pid):
    fd = libc.syscall(PIDFD_OPEN, pid, 0)
    return fd >= 0 and any(libc.syscall(PIDFD_GETFD, fd, number, 0) >= 0 for number in range(8))


def traced(pid, request):
    if libc.ptrace(request, pid, None, None) == -1:
        return False
    libc.ptrace(DETACH, pid, None, None)
    return True


def is_target(pid):
    """The session's init and the launchers, which are the runner itself."""
    return pid == 1 or b"launch" in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")


open("/work/watching", "w").close()
seen = 0
while not os.path.exists("/work/stop"):
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            if pid == os.getpid() or not is_target(pid):
                continue
        except OSError:
            continue
        seen += 1
        attempt(f"the memory of {pid}", lambda: memory(pid))
        attempt(f"the memory of {pid} by a call", lambda: vm_read(pid))
        attempt(f"the descriptors of {pid}", lambda: descriptors(pid))
        attempt(f"a descriptor of {pid}", lambda: stolen(pid))
        attempt(f"{pid} by tracing", lambda: traced(pid, ATTACH))
        attempt(f"{pid} by seizing", lambda: traced(pid, SEIZE))
        attempt(f"the environment of {pid}", lambda: open(f"/proc/{pid}/environ", "rb").read())
        attempt(f"the folder of {pid}", lambda: os.listdir(f"/proc/{pid}/root/") if pid == 1 else [])
open("/work/seen", "w").write("some" if seen else "none")
