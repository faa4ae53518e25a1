import os
os.write(1, bytes(range(256)))
os.write(2, bytes(reversed(range(256))))
