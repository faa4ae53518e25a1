"""Unpacks Debian packages, without what their maintainers' scripts would do."""

import io
import sys
import tarfile

HEADER = 60  # bytes


def members(path):
    """The parts of a package, which is an `ar` archive."""
    data = path.read_bytes()
    if not data.startswith(b"!<arch>\n"):
        sys.exit(f"{path} is not a Debian package")
    place, found = 8, {}
    while place + HEADER <= len(data):
        header = data[place : place + HEADER]
        name, size = header[:16].decode().strip().rstrip("/"), int(header[48:58])
        found[name] = data[place + HEADER : place + HEADER + size]
        place += HEADER + size + size % 2
    return found


def part(path, name):
    """One part as an opened tar archive."""
    [(file, content)] = [one for one in members(path).items() if one[0].startswith(f"{name}.tar")]
    try:
        return tarfile.open(fileobj=io.BytesIO(content))
    except tarfile.ReadError:
        sys.exit(f"{path}: {file} has a compression that this Python cannot read")


def unpack(path, tree):
    """Adds a package's files. Its fields go where scanners look for the packages of an image without dpkg."""
    with part(path, "data") as archive:
        for member in archive:
            place = tree.where(member.name)
            # Folders exist by their files, so that those of what is left out do not.
            if place is None or member.isdir():
                continue
            if member.issym():
                tree.link(place, member.linkname)
            elif member.islnk():
                if original := tree.where(member.linkname):
                    tree.copy(place, original)
                else:
                    tree.file(place, archive.extractfile(member).read(), bool(member.mode & 0o111))
            elif member.isfile():
                tree.file(place, archive.extractfile(member).read(), bool(member.mode & 0o111))
            else:
                sys.exit(f"{path}: {member.name} is a device")
    with part(path, "control") as archive:
        control = archive.extractfile("./control").read()
    name = path.name.split("_")[0]
    tree.file(f"var/lib/dpkg/status.d/{name}", control)


def licences(tree, name):
    """The names of the licences in a package's copyright file, if that has Debian's machine-readable format, else
    those of the common licences that it refers to, else the file itself."""
    path = f"usr/share/doc/{name}/copyright"
    text = (tree.root / path).read_text(errors="replace")
    lines = text.splitlines()
    if any(line.startswith("Format:") for line in lines[:20]):
        found = {line.split(":", 1)[1].strip() for line in lines if line.startswith("License:")}
    else:
        common = "/usr/share/common-licenses/"
        found = {word.split(common)[1].strip("'\"`.,;:)") for word in text.split() if common in word}
    return sorted(one for one in found if one) or [f"see /{path} in the image"]
