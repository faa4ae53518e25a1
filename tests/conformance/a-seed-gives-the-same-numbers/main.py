import random
random.seed("seed")
print(random.random(), random.sample(range(1000), 5), random.gauss(0, 1))
print(hash("text"), list({"a", "b", "c", "d", "e"}))
