import socket

from attempts import attempt

for address in ("fd00:ec2::254", "fd20:ce::254"):
    attempt(address, lambda: socket.create_connection((address, 80), 3))


def link_local(scope):
    with socket.socket(socket.AF_INET6) as way:
        way.settimeout(3)
        way.connect(("fe80::a9fe:a9fe", 80, 0, scope))


attempt("fe80::a9fe:a9fe", lambda: link_local(0))
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as way:
    attempt("datagram", lambda: way.sendto(b"x", ("fd00:ec2::254", 80)))
