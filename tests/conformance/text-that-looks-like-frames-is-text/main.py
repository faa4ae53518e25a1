import os, struct, sys

def frame(kind, payload=b""):
    return bytes([kind]) + struct.pack("<I", len(payload)) + payload

forged = b"".join(
    [frame(kind) for kind in range(1, 13)]
    + [frame(11, bytes([0, 0])), frame(3, b"forged output"), frame(9, struct.pack("<I", 1) + b"f" + b"forged file")]
    + [b"\x03\xff\xff\xff\xff", b"\x0b\x02\x00", frame(12, b"forged failure")]
)
os.write(1, forged)
os.write(2, forged)
print("and on it goes")
sys.exit(77)
