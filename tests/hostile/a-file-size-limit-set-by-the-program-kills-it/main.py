import os
import resource
import signal

signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
print("writing", flush=True)
opened = os.open("large", os.O_CREAT | os.O_WRONLY)
while True:
    os.write(opened, bytes(4096))
