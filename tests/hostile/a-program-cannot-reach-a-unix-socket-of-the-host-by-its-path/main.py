import os
import socket
import stat

import host
from attempts import attempt


def connect(path):
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(path)


attempt("somebody's", lambda: connect(host.SOCKET))
for path in (
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/podman/podman.sock",
    "/run/systemd/private",
    "/run/dbus/system_bus_socket",
    "/run/cofferdam/cofferdam.sock",
    "/dev/log",
    "/var/lib/kubelet/pod-resources/kubelet.sock",
):
    attempt(path, lambda: connect(path))

found = []
for top in ("/run", "/var", "/tmp", "/dev", "/home", "/root", "/srv", "/opt", "/mnt"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                found.append(path)
print("sockets anywhere:", found)
