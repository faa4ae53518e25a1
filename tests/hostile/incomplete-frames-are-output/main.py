import os
import struct

# A valid kind, and a length far beyond the data.
os.write(1, struct.pack("<IHI", 1, 4, 0xFFFFFFFF))
os.write(1, struct.pack("<IHI", 1, 12, 1 << 20))
os.write(1, struct.pack("<IHI", 1, 10, 100) + b"half")
os.write(1, bytes(4096))
os.write(2, b"and stderr too\n")
os._exit(4)
