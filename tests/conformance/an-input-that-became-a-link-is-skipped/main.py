import os
os.remove("input.txt")
os.symlink("/etc/passwd", "input.txt")
open("kept", "w").write("y")
