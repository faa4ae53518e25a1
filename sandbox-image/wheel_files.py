"""Unpacks wheels, as pip would install them for Debian's Python."""

import configparser
import email
import io
import sys
import zipfile

SCRIPT = "#!/usr/bin/python3\nimport sys\nfrom {module} import {first}\nsys.exit({call}())\n"


def unpack(path, tree, packages, only=None):
    """Adds a wheel's files to the folder `packages`, or of the ones in `only` each at the path given there."""
    with zipfile.ZipFile(path) as wheel:
        for info in sorted(wheel.infolist(), key=lambda info: info.filename):
            if info.is_dir():
                continue
            name, mode = info.filename, info.external_attr >> 16
            place = tree.where(installed(name, packages)) if only is None else only.get(name)
            if place:
                content = wheel.read(info)
                is_script = place.startswith("usr/local/bin/")
                if is_script and content.startswith(b"#!python"):
                    content = b"#!/usr/bin/python3" + content[content.index(b"\n") :]
                tree.file(place, content, is_script or bool(mode & 0o111))
        if only is None:
            for name, content in scripts(wheel):
                tree.file(f"usr/local/bin/{name}", content, executable=True)
        elif missing := only.keys() - set(wheel.namelist()):
            sys.exit(f"{path.name} no longer has the file {min(missing)}")


def installed(name, packages):
    """Where a file of a wheel belongs. `NAME.data` has files for other folders."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return f"{packages}/{name}"
    scheme, _, rest = rest.partition("/")
    folder = {"purelib": packages, "platlib": packages, "scripts": "usr/local/bin", "data": "usr/local"}[scheme]
    return f"{folder}/{rest}"


def scripts(wheel):
    """The programs that a wheel declares instead of having them."""
    for name in wheel.namelist():
        if name.endswith(".dist-info/entry_points.txt"):
            parser = configparser.ConfigParser(delimiters=["="])
            parser.optionxform = str
            parser.read_file(io.StringIO(wheel.read(name).decode()))
            if parser.has_section("console_scripts"):
                for script, target in sorted(parser.items("console_scripts")):
                    module, _, call = target.partition(":")
                    text = SCRIPT.format(module=module.strip(), first=call.split(".")[0].strip(), call=call.strip())
                    yield script, text.encode()


def licences(path):
    with zipfile.ZipFile(path) as wheel:
        [name] = [name for name in wheel.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA")]
        about = email.message_from_bytes(wheel.read(name))
    if expression := about.get("License-Expression"):
        return [expression]
    classifiers = [one.split(" :: ")[-1] for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    # The field may have the whole text.
    return classifiers or (about.get("License") or "").strip().splitlines()[:1]
