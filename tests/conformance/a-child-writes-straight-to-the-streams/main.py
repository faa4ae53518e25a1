import subprocess, sys
print("one")
subprocess.run(["echo", "two"])
subprocess.run([sys.executable, "-c", "import sys; print('three'); print('warned', file=sys.stderr)"])
print("four")
