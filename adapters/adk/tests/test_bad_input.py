"""Invalid input, and servers that are not sidecars: clear errors, no hang, nothing left behind."""

import base64
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import MAKE
from flow import execute
from google.adk.code_executors.code_execution_utils import CodeExecutionInput, File
from pydantic import ValidationError

from cofferdam_adk import SandboxError


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"stateful": True}, "state is not supported"),
        ({"executor_type": "sandbox"}, "no sandbox mode"),
        ({"sandbox_template": "python"}, "no sandbox mode"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"timeout_seconds": None}, "timeout_seconds"),
        ({"mem_limit": "lots"}, "amount of bytes such as 64Mi"),
        ({"cpu_limit": "-1"}, "amount of CPU"),
        ({"output_limit": "0"}, "amount of bytes"),
        ({"backend": "docker"}, "backend"),
        ({"collect": "*"}, "collect"),
        ({"sidecar": "ftp://a"}, "is not the address of a sidecar"),
        ({"sidecar": "http://a:x"}, "is not the address of a sidecar"),
        ({"sidecar": "http://a", "namespace": "b"}, "operator of the sidecar sets namespace"),
        ({"token": "t"}, "`token` needs `sidecar`"),
        ({"backend": "local", "kubeconfig_path": "k"}, "needs the backend kubernetes"),
    ],
)
def test_invalid_arguments_are_refused_at_once(make: MAKE, arguments: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        make(**arguments)


def test_settings_of_the_sidecar_cannot_be_changed_later(make: MAKE) -> None:
    executor = make()
    for name, value in [("stateful", True), ("image", "other"), ("namespace", "n"), ("sidecar", "unix:/x")]:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(executor, name, value)
    with pytest.raises(ValidationError, match="timeout_seconds"):
        executor.timeout_seconds = "soon"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("code", "files", "error", "part"),
    [
        (None, [], "invalid-request", "not a string but a NoneType"),
        (b"print(1)", [], "invalid-request", "not a string but a bytes"),
        ("print('\ud800')", [], "invalid-request", "lone surrogate"),
        ("\0", [], "invalid-request", "NUL"),
        ("#" * (1 << 20) + "\n", [], "too-large", "code"),
        ("#" * (64 << 20), [], "too-large", "code"),
        ("print(1)", [File("a", "no base64!")], "invalid-request", "neither bytes nor a string of base64"),
        ("print(1)", [File("a", 1)], "invalid-request", "neither bytes"),  # type: ignore[arg-type]
        ("print(1)", ["a"], "invalid-request", "not a File"),
        ("print(1)", [File("../a", b"")], "invalid-request", "a"),
        ("print(1)", [File("a", b""), File("a", b"")], "invalid-request", "two input files"),
        ("print(1)", [File("a", bytes(9 << 20))], "too-large", "files"),
    ],
)
def test_invalid_requests_are_errors(make: MAKE, code: Any, files: list[Any], error: str, part: str) -> None:
    with pytest.raises(SandboxError, match=part) as raised:
        execute(make(), code, *files)
    assert (raised.value.code, raised.value.retryable) == (error, False)


def test_an_empty_program_succeeds(make: MAKE) -> None:
    assert execute(make(), "").exit_code == 0


def test_an_input_of_another_type_is_an_error(make: MAKE) -> None:
    with pytest.raises(SandboxError, match="is a str, not a CodeExecutionInput"):
        make().execute_code(None, "print(1)")  # type: ignore[arg-type]


def test_a_limit_above_the_ceiling_is_refused_and_not_lowered(make: MAKE) -> None:
    with pytest.raises(SandboxError, match="above the operator's ceiling") as raised:
        execute(make(timeout_seconds=100_000), "print(1)")
    assert raised.value.code == "denied"


def test_unusual_contexts_are_accepted(make: MAKE) -> None:
    user = SimpleNamespace(id="s\n" * 999, user_id="ü" * 999)
    context = SimpleNamespace(invocation_id="e-1", session=user, agent=None)
    assert execute(make(), "print(1)", context=context).stdout == "1\n"


def test_input_files_are_bytes_or_base64(make: MAKE) -> None:
    files = [File("a", b"\xff"), File("b/c", base64.b64encode(b"\xfe").decode())]
    code = "print(open('a', 'rb').read() + open('b/c', 'rb').read())"
    result = execute(make(), code, *files)
    assert (result.stdout, result.output_files) == ("b'\\xff\\xfe'\n", [])


def test_a_missing_program_is_an_error(make: MAKE) -> None:
    with pytest.raises(SandboxError, match="cannot be started") as raised:
        execute(make(program="no-such-program"), "print(1)")
    assert (raised.value.code, raised.value.retryable) == ("sandbox-unavailable", True)


def test_a_sidecar_that_does_not_start_says_why_in_a_note(make: MAKE, place: Path) -> None:
    with pytest.raises(SandboxError, match="did not start") as raised:
        execute(make(str(place / "no-such-kubeconfig")), "print(1)")
    assert "no-such-kubeconfig" in raised.value.__notes__[0]
    assert "no-such-kubeconfig" not in str(raised.value)


def test_a_sidecar_that_does_not_listen_is_unreachable(make: MAKE) -> None:
    for sidecar in ("unix:/nonexistent/s", "http://127.0.0.1:9"):
        with pytest.raises(SandboxError, match="cannot be reached") as raised:
            execute(make(sidecar=sidecar), "print(1)")
        assert (raised.value.code, raised.value.retryable) == ("unreachable", True)


class _Scripted(http.server.BaseHTTPRequestHandler):
    answer: tuple[int, str, bytes] = (200, "text/html", b"")

    def do_POST(self) -> None:
        status, kind, body = self.answer
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Scripted)
    threading.Thread(target=server.serve_forever).start()
    yield server
    server.shutdown()
    server.server_close()


PROBLEM = b'{"code": "overloaded", "detail": "it has enough to do", "retryable": true, "id": "run-1"}'
OUTCOME = (
    b'{"id":"run-1","status":%s,"stdout":{"content":"","length":0},"stderr":{"content":"","length":0},"files":[],'
    b'"skipped":[],"timings_ms":{"answered":1},"warm":false}'
)


@pytest.mark.parametrize(
    ("answer", "code", "part"),
    [
        ((200, "text/html", b"<p>"), "unreachable", "not a Cofferdam sidecar"),
        ((200, "application/json", b"[]"), "unreachable", "not a Cofferdam sidecar"),
        ((200, "application/json", b"{}"), "unreachable", "is not an outcome"),
        ((200, "application/json", OUTCOME % b'{"exited": 256}'), "unreachable", "is not an outcome"),
        ((200, "application/json", OUTCOME % b'"asleep"'), "unreachable", "is not an outcome"),
        ((200, "application/json", OUTCOME % b"{}"), "unreachable", "is not an outcome"),
        ((502, "text/html", b"<p>"), "unreachable", "HTTP status 502"),
        ((429, "application/problem+json", PROBLEM), "overloaded", "enough to do"),
        ((429, "application/problem+json", b'{"code": 1}'), "unreachable", "not a Cofferdam sidecar"),
        ((302, "text/html", b""), "unreachable", "HTTP status 302"),
    ],
)
def test_a_response_that_is_not_a_sidecars_is_an_error(
    make: MAKE,
    scripted: http.server.ThreadingHTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, str, bytes],
    code: str,
    part: str,
) -> None:
    monkeypatch.setattr(_Scripted, "answer", answer)
    with pytest.raises(SandboxError, match=part) as raised:
        execute(make(sidecar=f"http://127.0.0.1:{scripted.server_port}"), "print(1)")
    assert raised.value.code == code
    assert raised.value.retryable is (code == "overloaded")


def test_a_valid_outcome_of_another_server_is_accepted(
    make: MAKE, scripted: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Scripted, "answer", (200, "application/json", OUTCOME % b'{"killed": 11}'))
    executor = make(sidecar=f"http://127.0.0.1:{scripted.server_port}/behind/a/proxy/")
    result = executor.execute_code(None, CodeExecutionInput(code="print(1)"))  # type: ignore[arg-type]
    assert (result.exit_code, result.stderr) == (139, "killed by signal 11\nno output\n")
