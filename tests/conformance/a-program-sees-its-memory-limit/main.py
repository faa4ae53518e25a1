import mmap, time

MIB = 1 << 20


def meminfo():
    return {line.split(":")[0]: int(line.split()[1]) for line in open("/proc/meminfo")}


def read(name):
    return open(f"/sys/fs/cgroup/{name}").read().strip()


def held():
    """MiB by each of the files that say it."""
    found = meminfo()
    assert found["MemAvailable"] == found["MemFree"], found
    return (
        (found["MemTotal"] - found["MemAvailable"]) // 1024,
        int(read("memory.current")) // MIB,
        int(read("memory/memory.usage_in_bytes")) // MIB,
    )


def wait_until(what, holds):
    while not all(holds(mib) for mib in held()):
        time.sleep(0.01)
    print(what)


print("MemTotal", meminfo()["MemTotal"])
print("some of it is held", all(0 <= mib < 100 for mib in held()))
print("memory.max", read("memory.max"))
print("memory.limit_in_bytes", read("memory/memory.limit_in_bytes"))
taken = mmap.mmap(-1, 100 * MIB)
for at in range(0, len(taken), 4096):
    taken[at] = 1
wait_until("what is taken is seen", lambda mib: 100 <= mib < 200)
taken.close()
wait_until("what is given back is seen", lambda mib: mib < 100)
