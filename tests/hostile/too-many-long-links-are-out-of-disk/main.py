import errno
import os

made = 0
try:
    while True:
        os.symlink("x" * 4095, f"/tmp/{made}")
        made += 1
except OSError as error:
    print(errno.errorcode[error.errno], flush=True)
os._exit(16)
