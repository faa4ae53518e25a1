print("a\0b\0\0c")
