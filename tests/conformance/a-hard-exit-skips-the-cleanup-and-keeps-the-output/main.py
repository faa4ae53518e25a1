import atexit, os
atexit.register(print, "never printed")
print("printed")
os._exit(3)
