import os, sys
os.write(1, b"before \xff after\n")
os.write(2, b"truncated \xe2\x82")
sys.exit(5)
