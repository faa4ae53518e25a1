import os

import host

os.symlink("/etc/passwd", "absolute")
os.symlink("../etc/passwd", "relative")
os.symlink("absolute", "chain")
os.symlink("/proc/self/environ", "descriptor")
os.symlink("/etc", "folder")
os.symlink(host.FILE, "of-the-host")
os.symlink("to-itself", "to-itself")
os.mkdir("sub")
os.symlink("../..", "sub/up")
