import ctypes, faulthandler
faulthandler.enable()
print("about to crash")
ctypes.string_at(0)
