import socket

from attempts import attempt

FAMILIES = {"vsock": 40, "alg": 38, "xdp": 44, "bluetooth": 31, "can": 29, "tipc": 30, "rds": 21, "key": 15, "nfc": 39, "smc": 43}
for name, family in FAMILIES.items():
    attempt(name, lambda: socket.socket(family, socket.SOCK_SEQPACKET if name == "alg" else socket.SOCK_STREAM))
AUDIT, KERNEL_EVENTS = 9, 15
attempt("kernel events", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, KERNEL_EVENTS).bind((0, 1)))
attempt("audit", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, AUDIT))
