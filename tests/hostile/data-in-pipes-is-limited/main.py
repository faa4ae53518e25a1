import fcntl
import os
import resource
import time

SET_PIPE_SIZE = 1031
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
os.write(1, b"filling\n")
while True:
    try:
        _, writing = os.pipe2(os.O_NONBLOCK)
        fcntl.fcntl(writing, SET_PIPE_SIZE, 1 << 20)
        while os.write(writing, bytes(1 << 20)):
            pass
    except BlockingIOError:
        pass
    except OSError:
        time.sleep(0.01)
