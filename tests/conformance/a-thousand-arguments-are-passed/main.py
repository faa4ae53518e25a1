import sys
print(len(sys.argv), sys.argv[1:] == [str(n) for n in range(1024)])
