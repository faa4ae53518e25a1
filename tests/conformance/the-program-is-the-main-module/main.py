import os, sys
if __name__ == "__main__":
    print(__file__, sys.argv, os.getcwd(), sys.path[0], sys.modules["__main__"].__name__)
    print(os.path.samefile(__file__, "main.py"), open("main.py").readline().rstrip())
