import functools, http.server, threading, urllib.request
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=".")
handler.func.log_message = lambda *_: None
server = http.server.ThreadingHTTPServer(("localhost", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(urllib.request.urlopen(f"http://localhost:{server.server_port}/page.txt", timeout=5).read())
