print("x" * 998 + "!")
