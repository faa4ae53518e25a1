open("one.txt", "w").write("1")
open("two.txt", "w").write("2")
