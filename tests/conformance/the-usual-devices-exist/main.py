import errno, os
open("/dev/null", "w").write("gone")
print(open("/dev/null").read() == "", open("/dev/zero", "rb").read(3), len(os.urandom(32)), len(set(open("/dev/urandom", "rb").read(4096))) > 200)
try:
    open("/dev/full", "wb", buffering=0).write(b"x")
except OSError as error:
    print(errno.errorcode[error.errno])
