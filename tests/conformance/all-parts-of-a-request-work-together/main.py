import os, sys
rows = open("in/data.txt").read().split()
os.makedirs("out")
open("out/result.txt", "w").write(" ".join([sys.argv[1], os.environ["UNIT"], sys.stdin.read().strip(), *rows]))
print("done", file=sys.stderr)
sys.exit(11)
