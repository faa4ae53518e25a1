import os
os.makedirs(os.path.expanduser("~/private"))
open(os.path.expanduser("~/private/key"), "w").write("outside")
os.symlink(os.path.expanduser("~/private"), "door")
open("inside", "w").write("inside")
