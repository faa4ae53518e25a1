import os
for path in ("a.txt", "b.log", "top/c.txt", "top/mid/d.txt", "x1.csv", "x12.csv", "y.jpg", "y.png", "y.gif", "end", "p/q/end", "p/end"):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "w").write(path)
