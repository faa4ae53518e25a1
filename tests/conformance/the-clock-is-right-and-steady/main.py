import os, time
wall, steady = time.time(), time.monotonic()
time.sleep(0.2)
open("now", "w").close()
print(0.2 <= time.monotonic() - steady < 3, 0.19 <= time.time() - wall < 3, wall > 1_750_000_000)
print(abs(os.stat("now").st_mtime - time.time()) < 3)
