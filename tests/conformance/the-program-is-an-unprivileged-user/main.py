import os
print(os.getuid(), os.geteuid(), os.getgid(), os.getegid())
print({line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapInh", "CapPrm", "CapEff"))})
for gain in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.chroot("/tmp"), lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0)), lambda: os.sethostname("x") if hasattr(os, "sethostname") else os.chown("/work", 0, 0)):
    try:
        gain()
        print("gained")
    except OSError:
        print("refused")
