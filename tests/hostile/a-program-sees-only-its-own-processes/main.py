import os

mine = {1, os.getpid()}
print("beside its own:", sorted(mine & {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}))
named = []
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) not in mine:
        named.append(name)
print("with a name like the runner's or gVisor's:", named)
found = []
for pid in range(2, 40000):
    if pid != os.getpid():
        try:
            os.kill(pid, 0)
            found.append(pid)
        except ProcessLookupError:
            pass
        except PermissionError:
            found.append(pid)
print("found by signal:", found)
