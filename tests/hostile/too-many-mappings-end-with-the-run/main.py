import ctypes

from attempts import libc

libc.mmap.restype = ctypes.c_void_p
print("mapping", flush=True)
read = True
while True:
    # Adjacent mappings with different protection are not merged.
    libc.mmap(None, ctypes.c_size_t(4096), 1 if read else 0, 0x22, -1, 0)
    read = not read
