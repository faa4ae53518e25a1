import os
import sys

print(ascii(sys.argv[1:]))
print(ascii(os.environ["STRANGE"]))
print(ascii([name for name in os.listdir(".") if name.endswith(".txt")]))
