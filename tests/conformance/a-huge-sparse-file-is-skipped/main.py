with open("sparse", "wb") as sparse:
    sparse.truncate(8 << 20)
open("small", "w").write("y")
