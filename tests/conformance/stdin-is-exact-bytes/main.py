import sys
data = sys.stdin.buffer.read()
print(len(data), data == bytes(range(256)) * 2)
