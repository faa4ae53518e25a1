import socket, time
started = time.monotonic()

def attempt(family, kind, protocol, address):
    with socket.socket(family, kind, protocol) as way:
        way.settimeout(3)
        way.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1) if kind == socket.SOCK_DGRAM else None
        way.connect(address) if kind == socket.SOCK_STREAM else way.sendto(b"x", address)

for name, *way in (
    ("ipv6", socket.AF_INET6, socket.SOCK_STREAM, 0, ("2606:4700:4700::1111", 53)),
    ("udp", socket.AF_INET, socket.SOCK_DGRAM, 0, ("1.1.1.1", 53)),
    ("udp6", socket.AF_INET6, socket.SOCK_DGRAM, 0, ("2606:4700:4700::1111", 53)),
    ("multicast", socket.AF_INET, socket.SOCK_DGRAM, 0, ("224.0.0.251", 5353)),
    ("broadcast", socket.AF_INET, socket.SOCK_DGRAM, 0, ("255.255.255.255", 9)),
    ("raw", socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP, ("1.1.1.1", 0)),
):
    try:
        attempt(*way)
        print(name, "was sent")
    except OSError:
        print(name, "failed")
print(time.monotonic() - started < 2)
