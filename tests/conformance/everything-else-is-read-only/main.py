import os
for path in ("/", "/etc", "/usr/bin", "/usr/lib/python3.11", "/home", "/var", "/root", "/proc", "/sys", "/dev", "/run", "/opt"):
    try:
        open(os.path.join(path, "made"), "w")
        print("wrote to", path)
    except OSError:
        pass
for attempt in (lambda: os.remove("/usr/bin/env"), lambda: open("/etc/passwd", "a"), lambda: os.rename("/usr", "/rsu"), lambda: os.rmdir("/work"), lambda: os.chmod("/usr/bin/env", 0o777)):
    try:
        attempt()
        print("changed something")
    except OSError:
        pass
print("tried")
