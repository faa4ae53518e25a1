import os

with open("kept.txt", "w") as file:
    file.write("y\n")
for _ in range(40):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
print("deep")
