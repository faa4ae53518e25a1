import os, sys
os.dup2(1, 2)
for number in range(200):
    print("out", number)
    print("err", number, file=sys.stderr)
