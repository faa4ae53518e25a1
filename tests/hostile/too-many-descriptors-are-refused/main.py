import errno
import os
import resource

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
try:
    while True:
        os.dup(0)
except OSError as error:
    os.write(1, f"{errno.errorcode[error.errno]}\n".encode())
os._exit(17)
