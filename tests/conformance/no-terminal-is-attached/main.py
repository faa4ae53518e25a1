import os, sys
print([os.isatty(fd) for fd in (0, 1, 2)])
try:
    open("/dev/tty")
except OSError:
    print("no terminal")
