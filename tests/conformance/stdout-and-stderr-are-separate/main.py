import sys
print("result")
print("warning", file=sys.stderr)
print("more")
sys.exit(1)
