import socket

from attempts import attempt


def connect(name):
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(name)


attempt("its port", lambda: socket.create_connection(("127.0.0.1", 4999), 3))
attempt("its abstract socket", lambda: connect("\0neighbour"))
attempt("its socket's file", lambda: connect("/tmp/neighbour.sock"))
