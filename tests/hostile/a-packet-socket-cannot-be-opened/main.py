import socket

from attempts import attempt

ALL, IP = 0x0003, 0x0800
for name, kind, protocol in (
    ("raw", socket.SOCK_RAW, ALL),
    ("cooked", socket.SOCK_DGRAM, ALL),
    ("of a kind", socket.SOCK_RAW, IP),
):
    attempt(name, lambda: socket.socket(socket.AF_PACKET, kind, socket.htons(protocol)))
