"""The address of a sidecar."""

import os
import re
from dataclasses import dataclass, field

_DEFAULT = "http://127.0.0.1:8787"
_HOST_AND_PORT = re.compile(r"^(\[[0-9a-fA-F:.]+\]|[^/:@\[\]]+):\d+$")


@dataclass(frozen=True)
class Address:
    """Where a sidecar listens, and what it demands."""

    url: str
    socket: str | None = None
    """The path of a Unix socket."""
    token: str | None = field(default=None, repr=False)


def resolve(url: str | None, token: str | None) -> Address:
    """The address from the arguments, else from COFFERDAM_URL and COFFERDAM_TOKEN.

    An address is `unix:PATH`, `http[s]://HOST[:PORT][/PREFIX]`, or `HOST:PORT`. Raises ValueError for any other text.
    """
    url = url or os.environ.get("COFFERDAM_URL") or _DEFAULT
    token = token or os.environ.get("COFFERDAM_TOKEN") or None
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        if path:
            return Address("http://localhost", path, token)
    elif url.startswith(("http://", "https://")) and "@" not in url:
        return Address(url.rstrip("/"), None, token)
    elif _HOST_AND_PORT.match(url):
        return Address(f"http://{url}", None, token)
    # The part before an `@` may be a password.
    shown = url.rpartition("@")[2]
    raise ValueError(f"{shown!r} is no address of a sidecar; give one such as unix:/run/agent/cofferdam.sock or {_DEFAULT}")
