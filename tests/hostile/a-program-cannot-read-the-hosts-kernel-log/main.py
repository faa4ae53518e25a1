import ctypes
import os

from attempts import attempt, call, libc

READ_ALL, CLEAR = 3, 5
log = ctypes.create_string_buffer(1 << 16)
length = libc.klogctl(READ_ALL, log, len(log))
text = log.raw[: max(length, 0)].decode(errors="replace")
print("the log begins with Starting gVisor:", "Starting gVisor" in text.splitlines()[0])
print("it names no hardware:", not any(word in text for word in ("BIOS", "ACPI", "virtio", "Command line", "CPU0")))
attempt("/dev/kmsg", lambda: os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
attempt("/proc/kmsg", lambda: os.open("/proc/kmsg", os.O_RDONLY | os.O_NONBLOCK))
logs = [name for name in os.listdir("/var/log")] if os.path.isdir("/var/log") else []
print("/var/log:", [name for name in logs if os.access(f"/var/log/{name}", os.R_OK) and os.path.getsize(f"/var/log/{name}") and name not in ("apt", "dpkg.log", "alternatives.log")])
attempt("clear the log", lambda: call(libc.klogctl, CLEAR, None, 0))
