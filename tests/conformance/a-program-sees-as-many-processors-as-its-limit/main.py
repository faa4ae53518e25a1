import multiprocessing, os, subprocess

print("os.cpu_count", os.cpu_count())
print("multiprocessing.cpu_count", multiprocessing.cpu_count())
print("os.sched_getaffinity", os.sched_getaffinity(0))
print("sysconf", os.sysconf("SC_NPROCESSORS_ONLN"), os.sysconf("SC_NPROCESSORS_CONF"))
print("nproc", subprocess.run(["nproc"], capture_output=True, text=True).stdout.strip())
cpuinfo = [line.split(":") for line in open("/proc/cpuinfo") if ":" in line]
print("/proc/cpuinfo", sum(key.strip() == "processor" for key, _ in cpuinfo))
# Not every architecture has them.
print("siblings and cores", {value.strip() for key, value in cpuinfo if key.strip() in ("siblings", "cpu cores")} or {"1"})
print("/proc/stat", [line.split()[0] for line in open("/proc/stat") if line.startswith("cpu")])
folder = "/sys/devices/system/cpu"
lists = {open(f"{folder}/{name}").read().strip() for name in ("online", "possible", "present")}
print("/sys", sorted(os.listdir(folder)), lists)
for name in ("cpu.max", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpuset/cpuset.cpus"):
    print(f"/sys/fs/cgroup/{name}", open(f"/sys/fs/cgroup/{name}").read().strip())
