import os, pathlib, shutil
print(os.environ["PATH"], os.environ["LANG"], pathlib.Path.home(), shutil.which("ls"))
