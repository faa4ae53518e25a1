import importlib.resources
from shop.prices.list import price
print(price("apple"))
print(importlib.resources.files("shop").joinpath("data", "motto.txt").read_text())
