import os

import host

mark = host.VARIABLE.encode() + b"="
print("its own:", sum(line.startswith(mark) for line in open("/proc/self/environ", "rb").read().split(b"\0")))
readable, holding = [], []
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        path = f"/proc/{name}/environ"
        try:
            text = open(path, "rb").read()
        except OSError:
            continue
        if text:
            readable.append(path)
        if mark in text:
            holding.append(path)
print("readable beside:", readable if not holding else len(readable))
print("holding it:", holding)
