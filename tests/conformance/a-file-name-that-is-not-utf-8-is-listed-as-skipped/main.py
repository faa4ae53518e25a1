open(b"caf\xe9.txt", "w").write("x")
open("good.txt", "w").write("y")
