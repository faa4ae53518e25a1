"""A sidecar that this process starts for its first program. It ends with this process, even if that is killed."""

import logging
import os
import secrets
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from .api import Address
from .errors import SandboxError

logger = logging.getLogger(__name__)
_START_SECONDS = 60
# The sidecar waits ten seconds for executions by default. The next sidecar removes what this one leaves.
_STOP_SECONDS = 20
_LISTENING = "listening on unix:"
# The kernel's limit for the path of a Unix socket.
_MAX_SOCKET_PATH = 107


class SidecarProcess:
    """The settings of a sidecar, and its process once it is started. Thread-safe."""

    def __init__(self, program: str, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
        """Starts nothing yet. `settings` are added to the environment of the process."""
        self._command = [program, "serve", "--until-stdin-ends", *arguments]
        self._settings = dict(settings)
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def __deepcopy__(self, _memo: object) -> "SidecarProcess":
        """Copies share the process."""
        return self

    def address(self) -> Address:
        """The address of the process, which is started if it does not run. Raises SandboxError if it cannot be started."""
        with self._lock:
            running = self._running
            if running is None or not running.is_alive_child():
                if running is not None:
                    running.end()
                self._running = running = _Running(self._command, self._settings)
                weakref.finalize(self, running.end)
            return Address("unix", str(running.socket))

    def stop(self) -> None:
        """Stops the process and waits for its end. The next program starts another one."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.end()


class _Running:
    def __init__(self, command: Sequence[str], settings: Mapping[str, str]) -> None:
        self.socket = _new_socket_path()
        self._pid = os.getpid()
        self._log: list[str] = []
        # Set when the process is ready or has ended.
        self._started = threading.Event()
        self._is_ready = False
        try:
            # In a new session, an interrupt at the terminal reaches this process only, which then stops the sidecar.
            self._process = subprocess.Popen(  # noqa: S603 - the user has named the program
                [*command, "--listen", f"unix:{self.socket}"],
                env={**os.environ, "NO_COLOR": "1", **settings},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            message = (
                f"the program {command[0]!r} cannot be started: put it into PATH, pass its path as `program`, or pass the"
                " address of a running sidecar as `sidecar`"
            )
            raise SandboxError("sandbox-unavailable", message, retryable=True) from error
        threading.Thread(target=self._read, args=(self._process.stderr,), name="cofferdam-log", daemon=True).start()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        self._started.wait(_START_SECONDS)
        if self._is_ready:
            return
        self.end()
        error = SandboxError("sandbox-unavailable", "the sidecar did not start; its log says why", retryable=True)
        error.add_note("\n".join(self._log) or "the log is empty")
        raise error

    def _read(self, log: IO[str]) -> None:
        """Forwards the sidecar's log. It also shows that the sidecar is ready, or has ended."""
        for line in log:
            text = line.strip()
            if not self._is_ready:
                self._log.append(text)
                if text.startswith(_LISTENING):
                    self._is_ready = True
                    self._started.set()
            level = logging.ERROR if text.startswith("ERROR") else logging.WARNING if text.startswith("WARN") else None
            logger.log(level or logging.INFO, "%s", text)
        self._started.set()

    def is_alive_child(self) -> bool:
        """Whether it runs and is a child of this process. A fork of this process starts another one."""
        return self._pid == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Stops it and waits; a second call does nothing. In a fork it only closes the pipe, which would keep it alive."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._pid != os.getpid():
            return
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # The sidecar removes these itself, unless it was killed.
        self.socket.unlink(missing_ok=True)
        if self.socket.parent.exists():
            self.socket.parent.rmdir()


def _new_socket_path() -> Path:
    """A path in a new folder with an unguessable name, which the sidecar creates for its user alone."""
    name = f"cofferdam-{secrets.token_hex(16)}"
    path = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name / "s"
    return path if len(os.fsencode(path)) <= _MAX_SOCKET_PATH else Path("/tmp") / name / "s"  # noqa: S108 - unguessable
