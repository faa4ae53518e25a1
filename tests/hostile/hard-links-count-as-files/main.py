import os

from attempts import attempt

os.mkdir("out")
with open("out/1", "w") as file:
    file.write("x\n")
for name in "234":
    os.link("out/1", f"out/{name}")
attempt("of a file outside", lambda: os.link("/etc/passwd", "out/5"))
