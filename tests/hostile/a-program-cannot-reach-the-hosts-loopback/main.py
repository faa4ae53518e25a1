import os
import socket

import host
from attempts import attempt

port = host.PORT
for address in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "127.8.8.8"):
    attempt(address, lambda: socket.create_connection((address, port), 3))
attempt("the machine's address", lambda: socket.create_connection((host.ADDRESS, port), 3))
