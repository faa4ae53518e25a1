import subprocess
for _ in range(50):
    subprocess.run(["true"])
children = [subprocess.Popen(["cat"], stdin=subprocess.PIPE) for _ in range(24)]
for child in children:
    child.stdin.close()
print({child.wait() for child in children})
