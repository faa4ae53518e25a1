"""A real sidecar for the tests."""

import contextlib
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cofferdam import Client, Session

ROOT = Path(__file__).parents[3]
_LISTENING = "listening on "


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """The address of a sidecar with its files in a folder. It ends with the context, and must leave nothing."""
    state, socket = folder / "state", folder / "s"
    state.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "COFFERDAM_STATE_DIR": str(state), "XDG_CONFIG_HOME": str(folder), "NO_COLOR": "1"}
    program = os.environ.get("COFFERDAM_PROGRAM") or str(ROOT / "target/release/cofferdam")
    command = [program, "serve", "--until-stdin-ends", "--backend", "local", "--listen", f"unix:{socket}"]
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=none, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        log = []
        for line in process.stderr:
            log.append(line)
            if _LISTENING in line:
                break
        else:
            pytest.fail("the sidecar did not start:\n" + "".join(log))
        # It would wait for space in a full pipe.
        rest = threading.Thread(target=log.extend, args=(process.stderr,))
        rest.start()
        try:
            yield f"unix:{socket}"
        finally:
            process.stdin.close()
            process.wait()
            rest.join()
    assert [path for path in state.iterdir() if path.name != "gate"] == []


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for that of a socket."""
    memory = Path("/dev/shm")  # noqa: S108 - where runs are kept by default
    with tempfile.TemporaryDirectory(prefix="cofferdam-test-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sidecar(folder: Path) -> Iterator[str]:
    """The address of a sidecar for all tests."""
    with running(folder) as address:
        yield address


@pytest.fixture
def client(sidecar: str) -> Iterator[Client]:
    with Client(sidecar) as client:
        yield client


@pytest.fixture
def session(client: Client) -> Iterator[Session]:
    with client.create_session() as session:
        yield session
