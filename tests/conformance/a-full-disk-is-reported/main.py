print("writing")
with open("huge", "wb") as huge:
    for _ in range(32):
        huge.write(b"x" * 2**20)
