import importlib, sys, warnings
warnings.simplefilter("ignore")
for name in sorted(sys.stdlib_module_names - {"antigravity", "this", "idlelib", "turtledemo", "turtle", "tkinter"}):
    try:
        importlib.import_module(name)
    except Exception as error:
        print(name, type(error).__name__, error)
print("all tried")
