import os

os.write(1, b"cofferdam 0 AQAAAAA=\n")
os.write(1, b"cofferdam 5 CwoAAAAAAAAAAAAAAAANAAAAAA==\n")
os.write(1, b"cofferdam 99999999999999999999 AQAAAAA=\n")
os.write(1, b"2026-01-01T00:00:00.000000000Z stdout F cofferdam 0 AQAAAAA=\n")
os.write(2, b"cofferdam 20 DQAAAAA=\n")
os._exit(9)
