import sys
print("head")
print("the only warning", file=sys.stderr)
for number in range(100_000):
    print(number)
print("tail")
print("the only error", file=sys.stderr)
sys.exit(9)
