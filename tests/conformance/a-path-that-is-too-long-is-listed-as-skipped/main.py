import os
long = "d" * 200 + "/" + "f" * 100
os.mkdir(os.path.dirname(long))
open(long, "w").write("x")
open("kept", "w").write("y")
