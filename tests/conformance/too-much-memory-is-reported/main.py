print("growing")
hoard = []
while True:
    hoard.append(b"x" * 2**22)
