total = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
print(total)
held = bytearray(total * 1024)
while True:
    for at in range(0, len(held), 4096):
        held[at] = 1
