import sys
print(repr(sys.stdin.read()), sys.stdin.buffer.read(1))
input("name? ")
