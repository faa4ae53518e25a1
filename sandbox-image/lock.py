#!/usr/bin/env python3
"""Usage: lock.py [ARCHITECTURE...]

Resolves packages.toml into lock/ARCHITECTURE.json, by default for every architecture, with the newest versions that
the registries have."""

import datetime
import json
import pathlib
import sys
import tempfile
import tomllib

import apt
import wheels

HERE = pathlib.Path(__file__).parent


def resolve(config, architecture, folder):
    """Every package of the image, by layer. A layer has the packages that no earlier one has."""
    solver = apt.Solver(folder, config["suite"], architecture)
    layers, asked, known = {}, [], set(config["omit"])
    for layer in config["layers"]:
        asked += layer["debian"]
        found = solver.closure(asked) if layer["debian"] else []
        debian = sorted((one for one in found if one["name"] not in known), key=lambda one: one["name"])
        known |= {one["name"] for one in debian}
        layers[layer["name"]] = {"debian": debian, "wheels": wheels.closure(layer["wheels"], config["python"], architecture)}
    return layers


def main(architectures):
    config = tomllib.loads((HERE / "packages.toml").read_text())
    for architecture in architectures or wheels.MACHINES:
        with tempfile.TemporaryDirectory() as folder:
            layers = resolve(config, architecture, folder)
        path = HERE / "lock" / f"{architecture}.json"
        old = json.loads(path.read_text()) if path.exists() else {}
        today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
        for name, layer in layers.items():
            before = old.get(name, {})
            # Every file of the layer gets this date, so that a layer that is not renewed keeps its bytes.
            layer["date"] = before["date"] if before | layer == before else today
        path.write_text(json.dumps(layers, indent=1) + "\n")
        print(f"{path.relative_to(HERE.parent)}: {changes(old, layers)}")


def versions(layers):
    kinds = [("debian", ""), ("wheels", " (Python)")]
    return {one["name"] + suffix: one["version"] for layer in layers.values() for kind, suffix in kinds for one in layer[kind]}


def changes(old, new):
    before, after = versions(old), versions(new)
    changed = [f"{name} {before.get(name, '-')} → {version}" for name, version in after.items() if before.get(name) != version]
    changed += [f"{name} {before[name]} → -" for name in before.keys() - after.keys()]
    if not before:
        return f"{len(after)} packages"
    return ", ".join(changed) or "nothing changed"


main(sys.argv[1:])
