import deep, sys
print(deep.WHERE, sys.dont_write_bytecode, sys.flags.optimize)
