import sys
print("the very first line")
for _ in range(20):
    sys.stdout.write("0123456789abcde\n" * 2**16)
print("the very last line")
