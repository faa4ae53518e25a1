"""What is added to examples/hosts/python/composed.py to make an agent of it: it runs a program, asks the sidecar's socket, then
starts a program that goes on until somebody ends the agent."""

import signal
import socket
import threading

try:
    main(*sys.argv[1:])
except SystemExit as ended:
    # The example ends as its program did; an agent goes on.
    if ended.code != 0:
        raise

with socket.socket(socket.AF_UNIX) as sidecar:
    sidecar.connect("/run/cofferdam/cofferdam.sock")
    sidecar.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    print(sidecar.makefile().readline().strip(), flush=True)
# As the first process of its container it has to say that it is to be ended.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
threading.Thread(target=main, args=(sys.argv[1], "import time; time.sleep(600)"), daemon=True).start()
while True:
    signal.pause()
