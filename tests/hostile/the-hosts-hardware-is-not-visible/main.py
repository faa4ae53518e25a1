import os

for path in ("/proc/partitions", "/proc/modules"):
    try:
        print(f"{path}:", len(open(path).read().split()))
    except OSError:
        print(f"{path}: 0")
for path in (
    "/proc/bus/pci",
    "/proc/scsi",
    "/sys/block",
    "/sys/class/dmi",
    "/sys/class/net",
    "/sys/module",
    "/sys/bus/pci/devices",
    "/dev/disk",
    "/dev/mapper",
):
    print(f"{path}:", len(os.listdir(path)) if os.path.isdir(path) else 0)
try:
    print("the kernel's command line names a disk:", "root=" in open("/proc/cmdline").read())
except OSError:
    print("the kernel's command line names a disk: False")
