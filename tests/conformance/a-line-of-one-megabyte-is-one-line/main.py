import random
random.seed(1)
print("".join(random.choices("abcdefghij", k=1_000_000)), end="")
