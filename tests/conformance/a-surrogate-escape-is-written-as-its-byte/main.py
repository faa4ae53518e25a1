import os, sys
sys.stdout.buffer.write(os.fsencode("caf\udce9\n"))
sys.stdout.buffer.write("\ud83d\n".encode("utf-8", "surrogatepass"))
sys.stdout.reconfigure(errors="strict")
print("\ud83d")
