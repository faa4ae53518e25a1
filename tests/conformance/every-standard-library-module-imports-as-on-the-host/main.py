import importlib, sys, warnings
warnings.simplefilter("ignore")
# Distributions package these separately, so that only one side may have them.
apart = {"distutils", "ensurepip", "idlelib", "lib2to3", "tkinter", "turtle", "turtledemo", "_tkinter", "_gdbm", "_dbm"}
for name in sorted(sys.stdlib_module_names - apart - {"antigravity", "this"}):
    try:
        importlib.import_module(name)
    except Exception as error:
        print(name, type(error).__name__, error)
print("all tried")
