import os
os.mkdir("größe 日本")
for name in ("größe 日本/🦊.txt", "with space", "line\nend", "[brackets]", "back\\slash", ".hidden"):
    open(name, "w").write(ascii(name))
