import socket, time, urllib.error, urllib.request
started = time.monotonic()
try:
    print(socket.getaddrinfo("example.com", 443))
except socket.gaierror:
    print("no such name")
try:
    print(urllib.request.urlopen("http://metadata.google.internal/", timeout=5))
except urllib.error.URLError:
    print("no such page")
print(time.monotonic() - started < 3)
