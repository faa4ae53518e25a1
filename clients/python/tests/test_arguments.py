"""Arguments of a wrong type, which are refused before anything is sent."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cofferdam import AsyncSession, Session, SessionInfo, UnreachableError
from cofferdam.address import resolve
from cofferdam.transport import AsyncTransport, Transport

INFO = SessionInfo("session-0", None, "python", None, {}, 0, 0, 0, 0, "/work", {}, 0, False)
WRONG: list[tuple[str, tuple[Any, ...], str]] = [
    ("run", (["ls", "-l"],), "the code is not text but of the type list.*`exec`"),
    ("run", (b"print(1)",), "the code is not text but of the type bytes"),
    ("run", ("print(1)", "-v"), "the arguments are text"),
    ("shell", (["ls", "-l"],), "the command line is not text but of the type list.*`exec`"),
    ("exec", ("ls -l",), "the command is text.*`shell`"),
]


@pytest.mark.parametrize(("method", "args", "message"), WRONG)
def test_the_message_names_the_right_method(tmp_path: Path, method: str, args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        getattr(Session(Transport(resolve(f"unix:{tmp_path}/none", None)), INFO), method)(*args)

    async def main() -> None:
        session = AsyncSession(AsyncTransport(resolve(f"unix:{tmp_path}/none", None)), INFO)
        with pytest.raises(TypeError, match=message):
            await getattr(session, method)(*args)

    asyncio.run(main())


def test_arguments_of_the_right_type_are_sent(tmp_path: Path) -> None:
    session = Session(Transport(resolve(f"unix:{tmp_path}/none", None)), INFO)
    with pytest.raises(UnreachableError):
        session.run("print(1)", ["-v"])
    with pytest.raises(UnreachableError):
        session.shell("ls")
    with pytest.raises(UnreachableError):
        session.exec(["ls"])
