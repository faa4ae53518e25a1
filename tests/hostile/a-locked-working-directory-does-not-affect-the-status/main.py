import os
import shutil
import sys

from attempts import attempt

for name in os.listdir("/work"):
    shutil.rmtree(name, ignore_errors=True) if os.path.isdir(name) else os.remove(name)
attempt("removed", lambda: os.rmdir("/work"))
attempt("renamed", lambda: os.rename("/work", "/tmp/work"))
os.chmod("/work", 0)
print("closed: done")
sys.exit(7)
