import os

os.mkdir("out")
for name, length in (("fits", 8), ("giant", 1 << 40), ("larger", 13), ("one-too-many", 5)):
    with open(f"out/{name}", "w") as file:
        file.truncate(length)
