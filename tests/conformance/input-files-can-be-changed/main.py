import os, subprocess
os.chmod("tool.sh", 0o755)
print(subprocess.run(["./tool.sh"], capture_output=True).stdout)
open("dir/data.txt", "a").write("more")
os.rename("dir/data.txt", "moved.txt")
os.rmdir("dir")
os.remove("tool.sh")
print(open("moved.txt").read(), sorted(os.listdir(".")), os.stat("moved.txt").st_uid == os.getuid())
