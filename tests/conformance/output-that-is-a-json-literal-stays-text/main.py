print("true", end="")
