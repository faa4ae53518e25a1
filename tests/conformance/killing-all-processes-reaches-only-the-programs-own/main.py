import os, signal, subprocess, sys
child = subprocess.Popen(["sleep", "60"])
os.kill(-1, signal.SIGKILL)
print("child ended with", child.wait())
sys.exit(2)
