import colorsys, sys
print(colorsys.WHOSE, sys.path[0])
