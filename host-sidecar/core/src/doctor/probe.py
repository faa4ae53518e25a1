"""Reports the kernel of the sandbox, and which network destinations can be reached from it.

The first argument is a JSON array of attempts. The output is one line of JSON.
"""

import json
import os
import socket
import sys
import threading
import time

ATTEMPT_TIMEOUT = 2


def connect(host, port):
    try:
        socket.create_connection((host, port), timeout=ATTEMPT_TIMEOUT).close()
    except ConnectionRefusedError:
        # A refused connection has reached the destination.
        return "it refused the connection"
    return "it accepted the connection"


def look_up(name):
    return "it has the address " + socket.getaddrinfo(name, None)[0][4][0]


def attempt(target, result):
    try:
        if "connect" in target:
            result["reached"] = connect(*target["connect"])
        else:
            result["reached"] = look_up(target["look_up"])
    except Exception as error:
        result["failed"] = str(error)


targets = json.loads(sys.argv[1])
results = [{} for _ in targets]
threads = [
    threading.Thread(target=attempt, args=pair, daemon=True) for pair in zip(targets, results)
]
for thread in threads:
    thread.start()
deadline = time.monotonic() + ATTEMPT_TIMEOUT + 1
for thread in threads:
    thread.join(max(0, deadline - time.monotonic()))
kernel = os.uname()
print(json.dumps({"kernel": kernel.release, "attempts": [dict(result) for result in results]}), flush=True)
# Does not wait for lookups that are still running.
os._exit(0)
