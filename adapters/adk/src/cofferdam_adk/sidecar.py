"""A sidecar of this process's own: started when the first program is to be run, ended with the process, however that ends."""

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
# It gives runs ten seconds by default; what it then leaves, the next one removes.
_END_SECONDS = 20
_LISTENING = "listening on unix:"
# Of a Unix socket's path, in the kernel.
_LONGEST_PATH = 107


class OwnSidecar:
    """Settings of a sidecar, and the process once there is one. Safe from many threads."""

    def __init__(self, program: str, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
        """Starts nothing yet. `settings` are variables of its environment beside ours."""
        self._command = [program, "serve", "--until-stdin-ends", *arguments]
        self._settings = dict(settings)
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def __deepcopy__(self, _memo: object) -> "OwnSidecar":
        """A process is not copied."""
        return self

    def address(self) -> Address:
        """Where it is reached, started if it is not there, or not there any more; raises SandboxError if it cannot be."""
        with self._lock:
            running = self._running
            if running is None or not running.is_ours_and_alive():
                if running is not None:
                    running.end()
                self._running = running = _Running(self._command, self._settings)
                weakref.finalize(self, running.end)
            return Address("unix", str(running.socket))

    def stop(self) -> None:
        """Ends it, and waits until it has ended. The next program starts another one."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.end()


class _Running:
    def __init__(self, command: Sequence[str], settings: Mapping[str, str]) -> None:
        self.socket = _new_socket_path()
        self._pid = os.getpid()
        self._log: list[str] = []
        self._settled = threading.Event()
        self._is_ready = False
        try:
            # A session of its own: an interrupt at the terminal is for this process, which ends the sidecar.
            self._process = subprocess.Popen(  # noqa: S603 - the program that the user has named
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
                f"the program {command[0]!r} cannot be started: put it into PATH, name it with `program`, or name a"
                " sidecar that runs with `sidecar`"
            )
            raise SandboxError("sandbox-unavailable", message, retryable=True) from error
        threading.Thread(target=self._read, args=(self._process.stderr,), name="cofferdam-log", daemon=True).start()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        self._settled.wait(_START_SECONDS)
        if self._is_ready:
            return
        self.end()
        error = SandboxError("sandbox-unavailable", "the sidecar did not start; its log says why", retryable=True)
        error.add_note("\n".join(self._log) or "it said nothing")
        raise error

    def _read(self, log: IO[str]) -> None:
        """Passes on what the sidecar says; this is also how it is seen to be ready, or gone."""
        for line in log:
            text = line.strip()
            if not self._is_ready:
                self._log.append(text)
                if text.startswith(_LISTENING):
                    self._is_ready = True
                    self._settled.set()
            level = logging.ERROR if text.startswith("ERROR") else logging.WARNING if text.startswith("WARN") else None
            logger.log(level or logging.INFO, "%s", text)
        self._settled.set()

    def is_ours_and_alive(self) -> bool:
        """Whether it is a child of this very process, which may itself be a fork, and has not ended."""
        return self._pid == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        """Ends it and waits; a second time does nothing. A parent's is let go of: it shall not live for a fork's sake."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._pid != os.getpid():
            return
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # It removes these itself, but where it was killed.
        self.socket.unlink(missing_ok=True)
        if self.socket.parent.exists():
            self.socket.parent.rmdir()


def _new_socket_path() -> Path:
    """In a folder that nobody has and that the sidecar makes, for its user alone."""
    name = f"cofferdam-{secrets.token_hex(16)}"
    path = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name / "s"
    return path if len(os.fsencode(path)) <= _LONGEST_PATH else Path("/tmp") / name / "s"  # noqa: S108 - unguessable
