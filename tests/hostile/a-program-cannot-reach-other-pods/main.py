import os
import socket

import host
from attempts import attempt

pod = host.POD
attempt("its port", lambda: socket.create_connection((pod, 8080), 3))
with socket.socket(type=socket.SOCK_DGRAM) as way:
    attempt("a datagram", lambda: way.sendto(b"x", (pod, 8080)))

reached = 0
network = pod.rsplit(".", 1)[0]
for host in range(1, 255):
    with socket.socket() as way:
        way.settimeout(0.02)
        try:
            way.connect((f"{network}.{host}", 80))
            reached += 1
        except ConnectionRefusedError:
            # A refused connection means that the address was reached.
            reached += 1
        except OSError:
            pass
print("of all around it:", reached)
