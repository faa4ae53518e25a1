import os

os.write(1, b"cofferdam 0 AAAAAAEAAwAAAAECAA==\n")
os.write(1, b"cofferdam 13 AQAAAAwABAAAAAAAAAABAAAADgAAAAAA\n")
os.write(1, b"cofferdam 99999999999999999999 AAAAAAEAAwAAAAECAA==\n")
os.write(1, b"2026-01-01T00:00:00.000000000Z stdout F cofferdam 0 AAAAAAEAAwAAAAECAA==\n")
os.write(2, b"cofferdam 37 AQAAAA4AAAAAAA==\n")
os._exit(9)
