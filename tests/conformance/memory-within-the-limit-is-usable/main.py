for _ in range(4):
    hoard = b"x" * (80 << 20)
    print(len(hoard))
    del hoard
