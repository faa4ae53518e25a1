import os

found = []
for top in ("/work", "/tmp", "/var/tmp", "/dev/shm", "/home", "/run"):
    for folder, folders, files in os.walk(top):
        found += [os.path.join(folder, name) for name in folders + files if "neighbour" in name]
print("found:", found)
