import os
import socket

for name in ("pipe.txt", "folder.txt", "socket.txt"):
    os.remove(name)
os.mkfifo("pipe.txt")
os.mkdir("folder.txt")
with open("folder.txt/inside.txt", "w") as file:
    file.write("new\n")
socket.socket(socket.AF_UNIX).bind("socket.txt")
