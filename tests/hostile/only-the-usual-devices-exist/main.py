import os
import stat

from attempts import attempt

NULL, ZERO, FULL, RANDOM, URANDOM = (1, 3), (1, 5), (1, 7), (1, 8), (1, 9)
TTY, CONSOLE, PTMX = (5, 0), (5, 1), (5, 2)
# Devices that gVisor emulates in the sandbox.
FUSE, TUN = (10, 229), (10, 200)
USUAL = {NULL, ZERO, FULL, RANDOM, URANDOM, TTY, CONSOLE, PTMX, FUSE, TUN}
others, blocks = [], []
for folder, _, names in os.walk("/dev"):
    for path in (os.path.join(folder, name) for name in names):
        status = os.lstat(path)
        number = (os.major(status.st_rdev), os.minor(status.st_rdev))
        if stat.S_ISBLK(status.st_mode):
            blocks.append(path)
        elif stat.S_ISCHR(status.st_mode) and number not in USUAL:
            others.append(path)
print("others:", others)
print("blocks:", blocks)
for name in ("kvm", "sda", "vda", "nvidia0", "tty0", "vhost-net"):
    attempt(f"/dev/{name}", lambda: os.open(f"/dev/{name}", os.O_RDWR))
