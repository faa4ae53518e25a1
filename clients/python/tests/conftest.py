"""A real sidecar for the tests."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cofferdam import Client, Session

ROOT = Path(__file__).parents[3]
_LISTENING = "listening on "


@pytest.fixture(scope="session")
def sidecar() -> Iterator[str]:
    """The address of a sidecar, which ends with the tests and must leave nothing."""
    memory = Path("/dev/shm")  # noqa: S108 - where runs are kept by default
    with tempfile.TemporaryDirectory(prefix="cofferdam-test-", dir=memory if memory.is_dir() else None) as folder:
        state, socket = Path(folder) / "state", Path(folder) / "s"
        state.mkdir(mode=0o700)
        environment = {**os.environ, "COFFERDAM_STATE_DIR": str(state), "XDG_CONFIG_HOME": folder, "NO_COLOR": "1"}
        program = os.environ.get("COFFERDAM_PROGRAM") or str(ROOT / "target/release/cofferdam")
        command = [program, "serve", "--until-stdin-ends", "--backend", "local", "--listen", f"unix:{socket}"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=environment, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, text=True
        ) as process:
            assert process.stderr is not None
            log = []
            for line in process.stderr:
                log.append(line)
                if _LISTENING in line:
                    break
            else:
                pytest.fail("the sidecar did not start:\n" + "".join(log))
            yield f"unix:{socket}"
            # Closes standard input, which ends it, and reads the rest of its log.
            process.communicate()
        assert [path for path in state.iterdir() if path.name != "gate"] == []


@pytest.fixture
def client(sidecar: str) -> Iterator[Client]:
    with Client(sidecar) as client:
        yield client


@pytest.fixture
def session(client: Client) -> Iterator[Session]:
    with client.create_session() as session:
        yield session
