import os
import socket

import host
from attempts import attempt

port = host.PORT


def send(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as way:
        way.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return way.sendto(b"from inside", (address, port))


attempt("to the machine's address", lambda: send(socket.AF_INET, host.ADDRESS))
attempt("to everybody", lambda: send(socket.AF_INET, "255.255.255.255"))
attempt("to a group", lambda: send(socket.AF_INET, "224.0.0.251"))
attempt("to a group of IPv6", lambda: send(socket.AF_INET6, "ff02::1"))
send(socket.AF_INET, "127.0.0.1")
print("to the machine's loopback: sent to nobody")
