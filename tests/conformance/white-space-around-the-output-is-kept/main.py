import sys
sys.stdout.write("\n\n \t text \n\n  ")
sys.stderr.write("\t\n ")
