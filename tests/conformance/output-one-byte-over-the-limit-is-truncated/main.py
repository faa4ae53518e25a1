print("first" + "x" * 990 + "last!")
