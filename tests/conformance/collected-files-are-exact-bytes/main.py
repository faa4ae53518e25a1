import os
os.makedirs("out/a/b")
open("out/all.bin", "wb").write(bytes(range(256)) * 3)
open("out/empty", "w").close()
open("out/a/b/large", "wb").write(b"0123456789abcdef" * 20_000)
open("elsewhere", "w").write("not asked for")
