"""A component that serves HTTP: it executes the program in a request's body and responds with JSON."""

import json

from componentize_py_types import Err, Ok
from wit_world.exports import IncomingHandler as Handler
from wit_world.imports import code_executor
from wit_world.imports.cofferdam_code_executor_types import Request, Status_Exited
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.wasi_http_types import (
    Fields,
    IncomingBody,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

# Bytes in one read or write of a WASI stream.
PIECE = 4096


class IncomingHandler(Handler):
    def handle(self, request, response_out):
        status, answer = execute(read(request.consume()))
        response = OutgoingResponse(Fields.from_list([("content-type", b"application/json")]))
        response.set_status_code(status)
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        write(body, json.dumps(answer).encode())


def execute(code):
    """Only `code` of a request is required."""
    optional = ("language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels")
    try:
        outcome = code_executor.execute(Request(code=code, **dict.fromkeys(optional)))
    except Err as failure:
        error = failure.value
        return 502, {"code": error.code.name.lower().replace("_", "-"), "message": error.message}
    exit_code = outcome.status.value if isinstance(outcome.status, Status_Exited) else None
    return 200, {"stdout": outcome.stdout.text, "stderr": outcome.stderr.text, "exit_code": exit_code}


def read(body):
    content = b""
    with body.stream() as stream:
        try:
            while True:
                content += stream.blocking_read(PIECE)
        except Err as end:
            if end.value != StreamError_Closed():
                raise
    IncomingBody.finish(body)
    return content.decode()


def write(body, content):
    with body.write() as stream:
        for start in range(0, len(content), PIECE):
            stream.blocking_write_and_flush(content[start : start + PIECE])
    OutgoingBody.finish(body, None)
