"""Sessions and their executions."""

import os
import pickle
import signal
import textwrap
import uuid
from pathlib import Path

import pytest

from cofferdam import (
    Accepted,
    Client,
    ConflictError,
    Ended,
    GoneError,
    InvalidRequestError,
    NotFoundError,
    Output,
    Session,
    Status,
    UnreachableError,
)

ROOT = Path(__file__).parents[3]


def test_files_and_results_last_from_one_execution_to_the_next(session: Session) -> None:
    assert session.run("import sys; open('n', 'w').write(sys.argv[1])", ["41"]).exit_code == 0
    result = session.shell("echo $(($(cat n) + 1)); echo bad >&2; exit 3")
    assert (result.text, result.error_text, result.exit_code, result.status) == ("42\n", "bad\n", 3, Status("exited", 3))
    assert not result.truncated


def test_bytes_of_both_directions_are_exact(session: Session) -> None:
    data = bytes(range(256)) * 100
    assert session.exec(["cat"], stdin=data).stdout == data
    assert session.exec(["env"], env={"A": "b"}, working_dir="/").text.count("A=b\n") == 1


def test_output_over_its_limit_is_truncated(session: Session) -> None:
    result = session.shell("head -c 100000 /dev/zero", limits={"output_bytes": 1000})
    assert result.truncated
    assert len(result.stdout) <= 1000
    assert (result.stdout_length, result.stderr_length, result.stderr_cut) == (100_000, 0, None)
    assert result.stdout_cut is not None
    # Each character has two bytes, and the limit cuts two of them.
    text = session.shell(r"printf '%0100d' 0 | sed 's/0/\xc3\xbc/g'", limits={"output_bytes": 30}).text
    head, line, tail = text.split("\n")
    assert set(head) == set(tail) == {"ü"}
    assert line == "[... 170 bytes cut ...]"


def test_an_execution_over_its_time_is_a_result(session: Session) -> None:
    result = session.shell("sleep 60", limits={"wall_time_ms": 200})
    assert (result.status, result.exit_code) == (Status("timed-out"), 124)


def test_a_process_is_followed_again_from_a_position(session: Session) -> None:
    process = session.start(["cat"], open_stdin=True, id="cat")
    process.write_stdin("one\n")
    events = process.output()
    first, output = next(events), next(events)
    events.close()
    assert isinstance(first, Accepted)
    assert first.execution.id == "cat"
    assert isinstance(output, Output)
    assert (output.stream, output.data) == ("stdout", b"one\n")
    process.write_stdin(b"two\xff\n")
    process.close_stdin()
    rest = list(session.process("cat").output(output.next_position))
    assert b"".join(event.data for event in rest if isinstance(event, Output)) == b"two\xff\n"
    assert isinstance(rest[-1], Ended)
    assert process.wait() == rest[-1].end
    assert rest[-1].end.exit_code == 0
    with pytest.raises(ConflictError):
        process.write_stdin("more")


def test_a_process_is_signalled_and_killed(session: Session) -> None:
    process = session.start("sleep 60")
    process.signal(signal.SIGTERM)
    assert process.wait().status == Status("killed", 15)
    other = session.start("sleep 60")
    assert other.info().end is None
    assert (end := other.kill().end) is not None
    assert end.status.kind in ("killed", "cancelled")
    with pytest.raises(ConflictError):
        other.signal(signal.SIGTERM)
    assert {execution.id for execution in session.executions()} >= {process.id, other.id}


def test_a_terminal_has_a_size_that_changes(session: Session) -> None:
    process = session.start("stty size; read line; stty size", terminal=(80, 24))
    events = process.output()
    shown = b""
    for event in events:
        shown += event.data if isinstance(event, Output) else b""
        if b"24 80" in shown:
            break
    process.resize(100, 30)
    process.write_stdin("\n")
    shown += b"".join(event.data for event in events if isinstance(event, Output))
    assert b"30 100" in shown


def test_a_session_is_found_by_name_and_by_metadata_and_changed(client: Client) -> None:
    user = uuid.uuid4().hex
    with client.create_session(name=user, metadata={"user": user}, idle_timeout=60, env={"A": "1"}) as session:
        assert client.create_session(name=user, metadata={"user": user}, idle_timeout=60, env={"A": "1"}).id == session.id
        assert [found.id for found in client.sessions({"user": user})] == [session.id]
        assert client.session(session.id).info.idle_timeout_ms == 60_000
        before = session.info.expires_ms
        info = session.update(timeout=30, idle_timeout=20, metadata={"user": user, "step": "2"})
        assert info.expires_ms < before
        assert (info.idle_timeout_ms, info.metadata["step"]) == (20_000, "2")
        assert session.usage().memory_bytes > 0
        with pytest.raises(ConflictError) as error:
            client.create_session(name=user, idle_timeout=30)
        assert (error.value.code, error.value.status) == ("conflict", 409)
    assert client.sessions({"user": user}) == []


def test_an_idempotency_key_creates_one_session(client: Client) -> None:
    key = uuid.uuid4().hex
    with client.create_session(idempotency_key=key) as session:
        assert client.create_session(idempotency_key=key).id == session.id


def test_errors_are_typed(client: Client, session: Session) -> None:
    with pytest.raises(NotFoundError):
        client.session("session-0")
    with pytest.raises(InvalidRequestError) as error:
        session.exec([])
    assert error.value.detail
    assert not error.value.retryable
    assert str(error.value) == f"invalid-request: {error.value.detail}"
    copy = pickle.loads(pickle.dumps(error.value))  # noqa: S301 - our own
    assert (type(copy), str(copy), copy.status) == (InvalidRequestError, str(error.value), 400)
    with pytest.raises(TypeError, match="list"):
        session.exec("true")
    with pytest.raises(NotFoundError):
        list(session.process("missing").output())
    session.close()
    with pytest.raises(GoneError):
        session.shell("true")


def test_a_sidecar_that_does_not_run_is_unreachable(tmp_path: Path) -> None:
    with Client(f"unix:{tmp_path}/none") as client, pytest.raises(UnreachableError) as error:
        client.sessions()
    assert error.value.retryable


def test_the_example_of_the_documentation_works(sidecar: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COFFERDAM_URL", sidecar)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/sessions.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]
    exec(compile(textwrap.dedent(example), "docs/sessions.md", "exec"), {"__name__": "example"})  # noqa: S102 - our own text
    assert os.listdir("results") == ["n.txt"]  # noqa: PTH208 - relative, as in the example
