import sys
sys.exit("cannot find the column “größe”")
