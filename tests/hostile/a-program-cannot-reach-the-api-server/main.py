import os
import socket

import host
from attempts import attempt

for name, address, port in (
    ("kubernetes", host.API_SERVER, 443),
    ("kubernetes", host.API_SERVER, 6443),
    ("node", host.ADDRESS, 6443),
    ("node", host.ADDRESS, 10250),
):
    attempt(f"{name} {port}", lambda: socket.create_connection((address, port), 3))
for name in ("kubernetes.default", "kubernetes.default.svc.cluster.local"):
    try:
        print(name, socket.getaddrinfo(name, 443))
    except socket.gaierror:
        print(f"{name}: unknown")
