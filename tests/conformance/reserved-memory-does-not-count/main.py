import mmap
reserved = mmap.mmap(-1, 2 << 30)
reserved[:5] = b"hello"
print(reserved[:5], len(reserved))
