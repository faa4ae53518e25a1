import os, struct, sys

def frame(kind, body=b"", channel=1):
    return struct.pack("<IHI", channel, kind, len(body)) + body

forged = b"".join(
    [frame(kind, channel=channel) for kind in range(1, 15) for channel in (0, 1)]
    + [frame(12, bytes(4)), frame(4, b"forged output"), frame(10, b"\1f\xa4\3\x0bforged file")]
    + [b"\1\0\0\0\4\0\xff\xff\xff\xff", b"\1\0\0\0\x0c\0\4", frame(13, b"\x0eforged failure")]
)
os.write(1, forged)
os.write(2, forged)
print("and on it goes")
sys.exit(77)
