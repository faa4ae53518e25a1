import socket

from attempts import NEWNET, attempt, become_root_of_a_namespace

become_root_of_a_namespace(NEWNET)
print("interfaces:", [name for _, name in socket.if_nameindex()])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("raw: made")
for address in ("172.17.0.1", "169.254.169.254"):
    attempt(address, lambda: raw.sendto(b"\x08\0\xf7\xff\0\0\0\0", (address, 0)))
