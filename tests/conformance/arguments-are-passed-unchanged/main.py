import sys
print(len(sys.argv))
for argument in sys.argv[1:]:
    print(ascii(argument))
