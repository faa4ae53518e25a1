import errno
import os

made = 0
try:
    while True:
        os.close(os.open(f"/tmp/{made}", os.O_CREAT))
        made += 1
except OSError as error:
    print(errno.errorcode[error.errno], flush=True)
os._exit(15)
