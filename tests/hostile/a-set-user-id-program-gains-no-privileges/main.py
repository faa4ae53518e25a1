import os
import shutil
import subprocess

from attempts import attempt

shutil.copy("/usr/bin/id", "mine")
os.chmod("mine", 0o6755)
print("its own:", subprocess.run(["./mine", "-u"], capture_output=True, text=True).stdout.strip())
V2 = b"\1\0\0\2\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\0\0\0\0"
attempt("by a capability of the file", lambda: os.setxattr("mine", "security.capability", V2))

marked = {os.geteuid()}
for folder in ("/usr/bin", "/usr/sbin", "/usr/lib/openssh", "/usr/libexec"):
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.stat(path).st_mode & 0o4000:
            started = subprocess.Popen([path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                marked.add(os.stat(f"/proc/{started.pid}").st_uid)
            except OSError:
                pass
            started.kill()
            started.wait()
print("those of the root:", sorted(marked))
