import os
import socket

import host
from attempts import attempt

# Who is kubernetes.default.svc.cluster.local?
QUESTION = b"\x13\x37\1\0\0\1\0\0\0\0\0\0" + b"\x0akubernetes\7default\3svc\7cluster\5local\0" + b"\0\1\0\1"


def ask(server):
    with socket.socket(type=socket.SOCK_DGRAM) as way:
        way.settimeout(3)
        way.connect((server, 53))
        way.send(QUESTION)
        return way.recv(512)


for name, server in (("the cluster's", host.DNS), ("the internet's", "8.8.8.8"), ("the machine's own", "127.0.0.53")):
    attempt(name, lambda: ask(server))
    attempt(f"{name} by TCP", lambda: socket.create_connection((server, 53), 3))

answered = []
try:
    lines = [line.split() for line in open("/etc/resolv.conf")]
except OSError:
    lines = []
for words in lines:
    if words[:1] == ["nameserver"]:
        try:
            answered.append(ask(words[1]))
        except OSError:
            pass
print("those of the settings:", answered)
