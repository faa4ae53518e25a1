import bz2

packed = open("bomb.bz2", "rb").read()
print("unpacking", len(packed), "bytes", flush=True)
print(len(bz2.decompress(packed)))
