import os

import host
from attempts import attempt

print("name:", os.uname().nodename)
attempt("machine-id", lambda: open("/etc/machine-id").read())
try:
    boot = open("/proc/sys/kernel/random/boot_id").read().strip()
except OSError:
    boot = None
print("boot id of the machine:", boot == host.BOOT)


def count(path, *words):
    try:
        text = open(path).read()
    except OSError:
        return 0
    return sum(text.count(word) for word in words)


print("paths of the machine in mounts:", count("/proc/self/mountinfo", "cofferdam-test", "/bundle", "/var/lib/kubelet"))
print("run's id in cgroups:", count("/proc/self/cgroup", "run-", "pod", "kube"))
