"""Appended to examples/hosts/python/composed.py to make an agent: it runs a program, checks that the sidecar is ready, then starts
a program that runs until the agent is terminated."""

import signal
import socket
import threading

try:
    main(*sys.argv[1:])
except SystemExit as ended:
    # The example exits with the program's exit code; an agent continues.
    if ended.code != 0:
        raise

with socket.socket(socket.AF_UNIX) as sidecar:
    sidecar.connect("/run/cofferdam/cofferdam.sock")
    sidecar.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    print(sidecar.makefile().readline().strip(), flush=True)
# The first process of a container ignores SIGTERM unless it has a handler.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
threading.Thread(target=main, args=(sys.argv[1], "import time; time.sleep(600)"), daemon=True).start()
while True:
    signal.pause()
