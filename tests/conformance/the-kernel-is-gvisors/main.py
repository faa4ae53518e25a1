import os
kernel = os.uname()
print(kernel.sysname, kernel.release.endswith("-gvisor") or kernel.version == "#1 SMP Sun Jan 10 15:06:54 PST 2016")
