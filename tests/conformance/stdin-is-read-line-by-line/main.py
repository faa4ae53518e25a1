import sys
name = input("name? ")
print(f"hello {name}")
print([line for line in sys.stdin])
