import mmap

print("taking", flush=True)
taken = []
while True:
    block = mmap.mmap(-1, 64 << 20)
    for page in range(0, len(block), 4096):
        block[page] = 1
    taken.append(block)
