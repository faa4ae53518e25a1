print("never printed")
if True
    print("neither")
