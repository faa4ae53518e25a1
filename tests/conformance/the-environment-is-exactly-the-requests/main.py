import os
print(sorted(os.environ))
print(os.environ["HOME"], os.environ["LANG"], {**os.environ, "PATH": ""} == {"PATH": "", "HOME": "/home/user", "LANG": "C.UTF-8", "API_MODE": "test"})
print(all(os.path.isabs(part) for part in os.environ["PATH"].split(":")))
