import fcntl
import os
import socket
import struct

from attempts import attempt

NEW_LINK, NEW_ADDRESS, NEW_ROUTE = 16, 20, 24
REQUEST_CREATE_ACK = 0x1 | 0x400 | 0x4
ROUTE = 0


def ask(kind, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, ROUTE) as way:
        way.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST_CREATE_ACK, 1, 0) + body)
        answer = way.recv(4096)
    error = -struct.unpack_from("=i", answer, 16)[0]
    if error:
        raise OSError(error, os.strerror(error))


attempt("an interface", lambda: ask(NEW_LINK, struct.pack("=BxHiII", 0, 0, 0, 1, 1) + struct.pack("=HH8s", 12, 3, b"vx0\0")))
attempt("an address", lambda: ask(NEW_ADDRESS, struct.pack("=BBBBI", 2, 8, 0, 0, 1) + struct.pack("=HH4s", 8, 2, b"\x0a\0\0\2")))
attempt("a route", lambda: ask(NEW_ROUTE, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0) + struct.pack("=HHI", 8, 4, 1)))


SET_INTERFACE = 0x400454CA
try:
    with open("/dev/net/tun", "r+b", buffering=0) as device:
        fcntl.ioctl(device, SET_INTERFACE, struct.pack("16sH", b"tun0", 1))
    print("a tunnel: reached")
except OSError:
    print("a tunnel: refused")
