import errno
import os
import socket
import sys

import host

try:
    listener = socket.create_server(("0.0.0.0", host.PORT), reuse_port=False)
except OSError as error:
    sys.exit(print(errno.errorcode[error.errno]))
print("listening", flush=True)
listener.settimeout(1)
try:
    print("somebody came from", listener.accept()[1])
except TimeoutError:
    print("nobody came")
