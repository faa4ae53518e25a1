"""Directories of this machine as tar archives. An archive from a sandbox is not trusted."""

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def pack(directory: Path, archive: IO[bytes]) -> None:
    """Writes the regular files, directories and symbolic links of a directory. Raises ValueError for anything else."""
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in _below(directory):
            state = path.lstat()
            entry = tarfile.TarInfo(path.relative_to(directory).as_posix())
            entry.mode, entry.mtime = stat.S_IMODE(state.st_mode) & 0o777, int(state.st_mtime)
            if stat.S_ISREG(state.st_mode):
                entry.size = state.st_size
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            elif stat.S_ISDIR(state.st_mode):
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            elif stat.S_ISLNK(state.st_mode):
                entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115 - keeps the text as it is
                tar.addfile(entry)
            else:
                raise ValueError(f"{path} is no regular file, directory or symbolic link; remove it first")
    archive.seek(0)


def _below(directory: Path) -> Iterator[Path]:
    """Everything below a directory, each directory before its entries."""
    for path in sorted(directory.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _below(path)


def unpack(archive: IO[bytes], directory: Path) -> tuple[str, ...]:
    """Writes an archive into a new or empty directory. Returns the links that are left out, as they lead out of it.

    Raises ValueError if the directory has entries, or if the archive names a path outside it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise ValueError(f"{directory} has entries; name a directory that is empty or does not exist")
    archive.seek(0)
    links: list[tuple[str, str]] = []
    with tarfile.open(fileobj=archive, mode="r:") as tar:
        for entry in tar:
            path = directory / _inside(entry.name)
            if entry.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif entry.isreg() and (content := tar.extractfile(entry)) is not None:
                _write(path, entry.mode, content)
            elif entry.issym():
                links.append((entry.name, entry.linkname))
    # The last ones, so that nothing is written through a link.
    return tuple(name for name, target in links if not _link(directory, name, target))


def _inside(name: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"the archive names the path {name!r}, which is outside the directory")
    return path


def _write(path: Path, mode: int, content: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while chunk := content.read(1 << 20):
            file.write(chunk)
    path.chmod(mode & 0o777)


def _link(directory: Path, name: str, target: str) -> bool:
    """Makes a symbolic link, unless it may lead out of the directory. Returns whether it is made."""
    path, root, parts = directory / _inside(name), directory.resolve(), Path(target).parts
    # A `..` after a name would depend on what links the name is, which may come later.
    up = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    if ".." in parts[up:]:
        return False
    try:
        parent = path.parent.resolve()
        if not parent.is_relative_to(root) or not (parent / target).resolve().is_relative_to(root):
            return False
        parent.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # links in a circle
        return False
    path.symlink_to(target)
    return True
