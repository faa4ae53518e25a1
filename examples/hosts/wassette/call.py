"""Executes a program through Wassette: it starts Wassette as an MCP server and calls the component's tool.

python call.py COMPONENT-FOLDER 'print(6*7)'
"""

import json
import os
import subprocess
import sys
import time

TOOL = "cofferdam_code-executor_code-executor_0_1_0_execute"
# Wassette wants every field of a record.
OPTIONAL = ("language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels")
ATTEMPTS = 100
PAUSE = 0.1


class Server:
    """An MCP server on standard input and output."""

    def __init__(self, folder):
        command = ["wassette", "run", "--component-dir", folder, "--disable-builtin-tools"]
        # By default the log, on standard error, has the arguments of each call.
        environment = {**os.environ, "RUST_LOG": "off"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)
        client = {"name": "example", "version": "0.1.0"}
        self.request("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        self.send(method="notifications/initialized")

    def request(self, method, **params):
        self.send(id=1, method=method, params=params)
        return self.receive(lambda message: message.get("id") == 1 and "method" not in message)["result"]

    def receive(self, is_expected):
        for line in self.process.stdout:
            message = json.loads(line)
            if is_expected(message):
                return message
        sys.exit("wassette has ended")

    def call(self, tool, **arguments):
        """Components are loaded in the background. Until then a tool may be unknown, even if it is listed."""
        for _ in range(ATTEMPTS):
            result = self.request("tools/call", name=tool, arguments=arguments)
            if not result["isError"]:
                return result["structuredContent"]["result"]
            message = result["content"][0]["text"]
            if "Tool not found" not in message:
                break
            time.sleep(PAUSE)
        sys.exit(message)

    def send(self, **message):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()


def main(folder, code):
    request = {"code": code, **dict.fromkeys(OPTIONAL)}
    server = Server(folder)
    try:
        result = server.call(TOOL, request=request)
    finally:
        server.process.kill()
    if "err" in result:
        sys.exit("{code}: {message}".format(**result["err"]))
    sys.stdout.write(result["ok"]["stdout"]["text"])
    sys.stderr.write(result["ok"]["stderr"]["text"])
    exit_like(**result["ok"]["status"])


def exit_like(tag, val=None):
    """Exits with the program's exit code."""
    sys.exit(val if tag == "exited" else f"the program did not exit normally: {tag}")


if __name__ == "__main__":
    main(*sys.argv[1:])
