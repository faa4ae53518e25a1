import helper
print(helper.greet("Ada"), helper.__file__)
