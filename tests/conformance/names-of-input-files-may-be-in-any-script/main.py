import os
for name in sorted(os.listdir(".")):
    if name != "main.py":
        print(ascii(name), open(name).read())
