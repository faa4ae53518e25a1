import socket

from attempts import attempt

for name, family, protocol in (
    ("ICMP", socket.AF_INET, socket.IPPROTO_ICMP),
    ("TCP", socket.AF_INET, socket.IPPROTO_TCP),
    ("UDP", socket.AF_INET, socket.IPPROTO_UDP),
    ("any IP", socket.AF_INET, socket.IPPROTO_RAW),
    ("ICMPv6", socket.AF_INET6, socket.IPPROTO_ICMPV6),
    ("any IPv6", socket.AF_INET6, socket.IPPROTO_RAW),
):
    attempt(name, lambda: socket.socket(family, socket.SOCK_RAW, protocol))
