#!/usr/bin/env python3
"""Builds an image archive from a folder, in the format of `docker save`:
image.py NAME FOLDER ARCHIVE [VARIABLE=VALUE]... COMMAND..."""

import hashlib
import io
import json
import platform
import sys
import tarfile

# Half of a minimal Debian, not needed in a sandbox.
LEFT_OUT = ("./usr/share/doc", "./usr/share/man", "./usr/share/locale", "./var/cache/apt", "./var/lib/apt/lists")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

name, folder, archive, *command = sys.argv[1:]

variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
while command and "=" in command[0]:
    name_of_variable, _, value = command.pop(0).partition("=")
    variables[name_of_variable] = value

layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as files:
    files.add(folder, arcname=".", filter=lambda entry: None if entry.name.startswith(LEFT_OUT) else entry)
config = {
    "architecture": ARCHITECTURES[platform.machine()],
    "os": "linux",
    "config": {"Cmd": command, "Env": [f"{key}={value}" for key, value in variables.items()]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer.getbuffer()).hexdigest()]},
}
manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]

parts = {
    "layer.tar": layer.getbuffer(),
    "config.json": json.dumps(config).encode(),
    "manifest.json": json.dumps(manifest).encode(),
}
with tarfile.open(archive, "w") as image:
    for path, content in parts.items():
        part = tarfile.TarInfo(path)
        part.size = len(content)
        image.addfile(part, io.BytesIO(content))
