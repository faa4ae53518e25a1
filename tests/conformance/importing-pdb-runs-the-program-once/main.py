print("once")
import code, doctest, pdb
print(code.__file__, pdb.__name__, doctest.__name__)
