import os, time
for byte in "€🦊".encode():
    os.write(1, bytes([byte]))
    time.sleep(0.03)
