#!/usr/bin/env python3
"""Usage: sbom.py FOLDER

Writes the bills of materials of the program and of its image, as CycloneDX, from the lock file and the files of the
image. The same sources give the same bytes."""

import hashlib
import json
import pathlib
import platform
import subprocess
import sys
import tomllib

MACHINE = platform.machine()
# The crates of the program and of its embedded artifacts, by target.
PARTS = {
    f"{MACHINE}-unknown-linux-gnu": ["cofferdam"],
    f"{MACHINE}-unknown-linux-musl": ["cofferdam-runner"],
    "wasm32-unknown-unknown": ["code-executor", "code-executor-stream", "http-bridge"],
}
IMAGE = pathlib.Path("target/image")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def metadata(target):
    return json.loads(run("cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"))


def built(name, target):
    """Names and versions of the packages that cargo builds for this one, without the features of the tests."""
    options = ["--locked", "--edges=normal,build", "--prefix=none", "--format={p}"]
    lines = run("cargo", "tree", f"--package={name}", f"--target={target}", *options).splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in lines)}


def reachable(graph, roots, wanted):
    """The packages in `wanted` that `roots` are built from, each with its own dependencies."""
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    found, new = {}, list(roots)
    while new:
        package = new.pop()
        if package not in found:
            needed = [dep["pkg"] for dep in nodes[package]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
            found[package] = [one for one in needed if one in wanted]
            new += found[package]
    return found


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums):
    described = {
        "type": "library",
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
    }
    if package["license"]:
        # In old licence fields a slash means `OR`.
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if checksum := checksums.get((package["name"], package["version"])):
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return described


def of_program():
    lock = tomllib.loads(pathlib.Path("Cargo.lock").read_text())
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock["package"]}
    components, needs = {}, {}
    for target, names in PARTS.items():
        graph = metadata(target)
        packages = {package["id"]: package for package in graph["packages"]}
        own = [package["id"] for package in graph["packages"] if package["source"] is None and package["name"] in names]
        tree = set().union(*(built(name, target) for name in names))
        wanted = {one for one, package in packages.items() if (package["name"], package["version"]) in tree}
        found = reachable(graph, own, wanted)
        if missing := tree - {(packages[one]["name"], packages[one]["version"]) for one in found}:
            sys.exit(f"not in the bill of materials: {sorted(missing)}")
        for package, needed in found.items():
            described = component(packages[package], checksums)
            components[described["bom-ref"]] = described
            needs.setdefault(described["bom-ref"], set()).update(purl(packages[one]) for one in needed)
    [program] = [ref for ref in components if ref.startswith("pkg:cargo/cofferdam@")]
    carried = {ref for ref, one in components.items() if one["name"] in sum(PARTS.values(), [])} - {program}
    needs[program] |= carried
    root = components.pop(program) | {"type": "application"}
    return bill(root, components, needs)


def of_image(program):
    """The program and each other file of the image, with its Debian package if it has one."""
    root = program["metadata"]["component"]
    components = {one["bom-ref"]: one for one in [root, *program["components"]]}
    needs = {one["ref"]: one["dependsOn"] for one in program["dependencies"]}
    beside = []
    for path in sorted(path for path in IMAGE.rglob("*") if path.is_file() and path.name != "cofferdam"):
        name = f"/{path.relative_to(IMAGE)}"
        file = {
            "type": "file",
            "bom-ref": name,
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        if package := debian_package(name):
            file |= package
        components[name] = file
        beside.append(name)
    image = {"type": "container", "bom-ref": "image", "name": "cofferdam", "version": root["version"]}
    return bill(image, components, needs | {"image": [root["bom-ref"], *beside]})


def debian_package(path):
    # A folder may be a symbolic link, and dpkg may know the file by its other path.
    for known in [path, str(pathlib.Path(path).resolve()), str(pathlib.Path(path).resolve()).removeprefix("/usr")]:
        try:
            package = run("dpkg-query", "--search", known).split(": ")[0]
            name, version, arch = run("dpkg-query", "--show", "--showformat=${Package} ${Version} ${Architecture}", package).split()
            return {"version": version, "purl": f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={arch}"}
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def bill(root, components, needs):
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needs[ref])} for ref in sorted(needs)],
    }


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
program = of_program()
for name, written in [("cofferdam", program), ("image", of_image(program))]:
    (folder / f"{name}.cdx.json").write_text(json.dumps(written, indent=1) + "\n")
