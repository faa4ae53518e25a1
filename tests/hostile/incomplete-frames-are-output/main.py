import os
import struct

# A valid kind, and a length far beyond the data.
os.write(1, b"\x03" + struct.pack("<I", 0xFFFFFFFF))
os.write(1, b"\x0b" + struct.pack("<I", 1 << 20))
os.write(1, b"\x09" + struct.pack("<I", 100) + b"half")
os.write(1, bytes(4096))
os.write(2, b"and stderr too\n")
os._exit(4)
