#!/usr/bin/env python3
"""Usage: build.py FOLDER

Builds the default image of sandboxes from lock/ARCHITECTURE.json into FOLDER: an OCI archive, a bill of materials, and
the unpacked files, for this machine's architecture. The same lock gives the same bytes."""

import calendar
import json
import os
import pathlib
import platform
import shutil
import sys
import time
import tomllib

import archive
import bill
import debs
import download
import etc
import wheel_files
import wheels
from programs import Programs
from tree import Tree

HERE = pathlib.Path(__file__).parent
NAME = "cofferdam-sandbox"
LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"


def unpack(layer, locked, tree, downloads, dist_packages):
    for package in locked["debian"]:
        debs.unpack(downloads / download.file_of(package), tree)
    for package in locked["wheels"]:
        only = layer.get("files", {}).get(package["name"])
        wheel_files.unpack(downloads / download.file_of(package), tree, dist_packages, only)
    for path, target in layer.get("links", {}).items():
        tree.link(path, target)
    for name, file in layer.get("licences", {}).items():
        tree.file(bill.licence_file(name), (HERE / file).read_bytes())


def patch(tree, patches):
    for one in patches:
        path = tree.root / one["file"]
        text = path.read_text()
        if text.count(one["from"]) != 1:
            sys.exit(f"{path} has changed: adapt the patch in packages.toml that replaces {one['from'].strip()!r}")
        path.write_text(text.replace(one["from"], one["to"]))


def finish(name, tree, programs, config, dist_packages):
    """What the packages' installation scripts would do, once a layer's files are there."""
    match name:
        case "base":
            etc.write(tree)
            programs.compile_python(f"/usr/lib/python{config['python']}")
        case "tools":
            programs.cache_libraries()
        case "fonts":
            date_folders(tree, programs.date)
            programs.cache_fonts()
        case "packages":
            patch(tree, config["patches"])
            programs.check_python_packages()
            programs.list_fonts_of_matplotlib()
            programs.compile_python(f"/{dist_packages}")


def date_folders(tree, date):
    for path in tree.paths():
        if path.startswith("usr/share/fonts"):
            os.utime(tree.root / path, (date, date), follow_symlinks=False)


def newest(lock):
    """The image's version: the date of the layer that was renewed last."""
    return max(layer["date"] for layer in lock.values())


def describe(lock, architecture, layers):
    """The image's configuration."""
    created = f"{newest(lock)}T00:00:00Z"
    return {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {
            "Cmd": ["python3"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
            "User": "1001:1001",
            "WorkingDir": "/work",
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one['unpacked']}" for one in layers]},
        "history": [{"created": f"{lock[one['name']]['date']}T00:00:00Z", "created_by": one["description"]} for one in layers],
    }


def main(folder):
    architecture = {machine: name for name, machine in wheels.MACHINES.items()}.get(platform.machine())
    path = HERE / "lock" / f"{architecture}.json"
    if not path.exists():
        sys.exit(f"there is no image for the processor of this machine, {platform.machine()}")
    config, lock = tomllib.loads((HERE / "packages.toml").read_text()), json.loads(path.read_text())
    if [one["name"] for one in config["layers"]] != list(lock):
        sys.exit("packages.toml has other layers than the lock: run `make sandbox-image-lock`")
    dist_packages = f"usr/local/lib/python{config['python']}/dist-packages"
    # Programs of the image create files too.
    os.umask(0o022)
    downloads = download.fetch(lock, config["python"], architecture)

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tree = Tree(folder / "root", config["drop"], config["keep"])
    image, layers = archive.Image(folder / "layout"), []
    for layer in config["layers"]:
        print(f"{layer['name']}: {layer['description']}", flush=True)
        locked = lock[layer["name"]]
        programs = Programs(tree.root, calendar.timegm(time.strptime(locked["date"], "%Y-%m-%d")))
        unpack(layer, locked, tree, downloads, dist_packages)
        finish(layer["name"], tree, programs, config, dist_packages)
        archive.write_layer(tree, tree.end_layer(), programs.date, folder / f"{layer['name']}.tar")
    for layer in config["layers"]:
        plain, packed = folder / f"{layer['name']}.tar", folder / f"{layer['name']}.tar.zst"
        programs.compress(plain, packed)
        size = plain.stat().st_size
        descriptor = image.add(packed, LAYER)
        layers.append({**layer, "unpacked": archive.digest(plain), "size": size, "descriptor": descriptor})
        plain.unlink()

    write_image(image, lock, architecture, layers, folder / f"{NAME}.oci.tar")
    written = json.dumps(bill.write(NAME, newest(lock), lock, tree, downloads), indent=1)
    (folder / f"{NAME}.cdx.json").write_text(written + "\n")
    shutil.rmtree(folder / "layout")
    for one in layers:
        print(f"{one['name']:9} {one['size'] / 1e6:6.1f} MB, compressed {one['descriptor']['size'] / 1e6:6.1f} MB")
    total = folder / f"{NAME}.oci.tar"
    print(f"{total}: {total.stat().st_size / 1e6:.1f} MB, sha256 {archive.digest(total)}")


def write_image(image, lock, architecture, layers, target):
    config = image.add_json(describe(lock, architecture, layers), "application/vnd.oci.image.config.v1+json")
    annotations = {
        "org.opencontainers.image.created": f"{newest(lock)}T00:00:00Z",
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.description": "The default image of Cofferdam's sandboxes",
        "org.opencontainers.image.version": newest(lock),
        # That of what builds it. The bill of materials has those of the packages.
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [one["descriptor"] | {"annotations": {"org.opencontainers.image.title": one["name"]}} for one in layers],
        "annotations": annotations,
    }
    descriptor = image.add_json(manifest, manifest["mediaType"])
    descriptor["platform"] = {"architecture": architecture, "os": "linux"}
    descriptor["annotations"] = {"org.opencontainers.image.ref.name": f"localhost/{NAME}:latest"}
    image.write(descriptor, target)


main(pathlib.Path(sys.argv[1]))
