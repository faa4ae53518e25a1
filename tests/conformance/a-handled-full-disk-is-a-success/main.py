import errno, os
paths = ["/work/a", os.path.expanduser("~/b"), "/tmp/c", "/dev/shm/d"]
try:
    for path in paths:
        with open(path, "wb", buffering=0) as file:
            for _ in range(5):
                assert file.write(b"x" * 2**20) == 2**20, "full"
except (OSError, AssertionError) as error:
    print("full at", path, getattr(error, "errno", errno.ENOSPC) == errno.ENOSPC)
os.remove(paths[0])
print(open("/tmp/again", "wb").write(b"y" * 2**20))
