import ctypes
import os

from attempts import attempt, call, libc

READ_ALL, CLEAR = 3, 5
HARDWARE = ("BIOS", "ACPI", "virtio", "Command line", "CPU0")


def names_none(text):
    return not any(word in text for word in HARDWARE)


log = ctypes.create_string_buffer(1 << 16)
length = libc.klogctl(READ_ALL, log, len(log))
text = log.raw[: max(length, 0)].decode(errors="replace")
print("the log begins with Starting gVisor:", "Starting gVisor" in text.splitlines()[0])
print("it names no hardware:", names_none(text))
attempt("/dev/kmsg", lambda: os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
attempt("/proc/kmsg", lambda: os.open("/proc/kmsg", os.O_RDONLY | os.O_NONBLOCK))
# An image may contain logs of its build.
logs = [os.path.join(folder, name) for folder, _, names in os.walk("/var/log") for name in names]
readable = [log for log in logs if os.access(log, os.R_OK)]
print("/var/log names hardware:", [log for log in readable if not names_none(open(log, errors="replace").read())])
attempt("clear the log", lambda: call(libc.klogctl, CLEAR, None, 0))
