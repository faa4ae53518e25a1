import ctypes

from attempts import attempt, syscall

parameters = ctypes.create_string_buffer(120)
attempt("set up", lambda: syscall(425, 8, parameters))
attempt("enter", lambda: syscall(426, 3, 1, 0, 0, None, 0))
attempt("register", lambda: syscall(427, 3, 0, None, 0))
