import socket
print([name for _, name in socket.if_nameindex()])
print(len(open("/proc/net/route").readlines()) <= 1)
