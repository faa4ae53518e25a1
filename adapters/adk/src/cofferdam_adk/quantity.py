"""Parses quantities as Kubernetes writes them. Pure."""

import re

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def to_bytes(text: str) -> int:
    """Parses an amount of bytes, such as `64Mi`. Raises ValueError for anything else."""
    match = re.fullmatch(r"(\d+)([kMGT]|[KMGT]i)?", text, re.ASCII)
    amount = int(match[1]) * _UNITS[match[2] or ""] if match else 0
    if not 0 < amount < 2**63:
        raise ValueError(f"{text!r} is not an amount of bytes such as 64Mi")
    return amount


def to_millis(text: str) -> int:
    """Parses an amount of CPU in thousandths, such as `500m`, `2` or `1.5`. Raises ValueError for anything else."""
    match = re.fullmatch(r"(\d+)m|(\d+)(?:\.(\d{1,3}))?", text, re.ASCII)
    amount = 0
    if match:
        amount = int(match[1]) if match[1] else int(match[2]) * 1000 + int((match[3] or "").ljust(3, "0"))
    if not 0 < amount < 2**32:
        raise ValueError(f"{text!r} is not an amount of CPU such as 500m or 2")
    return amount
