import os
paths = ("/var/run/secrets/kubernetes.io/serviceaccount/token", "/run/secrets", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/etc/shadow", "/root/.ssh", "/root/.kube/config", "/proc/kcore", "/dev/mem", "/dev/sda")
for path in paths:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        print("readable:", path)
    except OSError:
        pass
print([name for name in os.environ if "KUBERNETES" in name or "PROXY" in name.upper() or "TOKEN" in name])
