import errno
import os

full = 0
for folder in ("/work", "/home/user", "/tmp", "/dev/shm"):
    opened = os.open(f"{folder}/bomb", os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(opened, bytes(1 << 20))
    except OSError as error:
        full += error.errno == errno.ENOSPC
print("ENOSPC in all" if full == 4 else full, flush=True)
os._exit(14)
