import os

for path in (
    "/proc/meminfo",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/cpuset/cpuset.cpus",
):
    assert open(path).read(), path
    try:
        # Their mode does not protect them.
        os.chmod(path, 0o666)
    except OSError:
        pass
    for how, write in (
        ("opened", lambda: os.write(os.open(path, os.O_WRONLY), b"1")),
        ("opened again", lambda: os.write(os.open(f"/proc/self/fd/{os.open(path, os.O_RDONLY)}", os.O_RDWR), b"1")),
        ("removed", lambda: os.remove(path)),
        ("renamed", lambda: os.rename(path, path + ".old")),
    ):
        try:
            write()
            print(path, how)
        except OSError:
            pass
for path in ("/sys/fs/cgroup/new", "/sys/fs/cgroup/memory/new"):
    try:
        os.mkdir(path)
        print("made", path)
    except OSError:
        pass
