"""Python wheels: which ones are needed, by pip's own solver, from the index that this machine is set up for."""

import json
import os
import subprocess
import sys
import tempfile

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# glibc's versions that a wheel may be built for, from that of Debian 13 down.
GLIBC = range(41, 16, -1)
GONE = ". If the registry no longer has a version of the lock file, `make sandbox-image-lock` replaces it by the newest one"


def pip(*arguments, hint=""):
    try:
        command = [sys.executable, "-m", "pip", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    except subprocess.CalledProcessError as failed:
        sys.exit(f"pip failed with status {failed.returncode}; its messages are above{hint}")


def target(python, architecture):
    """pip's options for the image's Python instead of this machine's."""
    machine = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC] + [f"manylinux2014_{machine}"]
    options = ["--disable-pip-version-check", "--only-binary=:all:", "--implementation=cp"]
    options += [f"--python-version={python}", f"--abi=cp{python.replace('.', '')}", "--abi=abi3", "--abi=none"]
    return options + [f"--platform={platform}" for platform in platforms]


def closure(names, python, architecture):
    """The wheels that these packages need, with theirs."""
    if not names:
        return []
    options = ["--dry-run", "--ignore-installed", "--quiet", "--report=-", "--target=unused"]
    report = json.loads(pip("install", *options, *target(python, architecture), *names))
    locked = []
    for one in report["install"]:
        about, source = one["metadata"], one["download_info"]
        locked.append(
            {
                "name": about["name"],
                "version": about["version"],
                "file": os.path.basename(source["url"]),
                "sha256": source["archive_info"]["hashes"]["sha256"],
            }
        )
    return sorted(locked, key=lambda one: one["name"].lower())


def download(locked, python, architecture, folder):
    """Downloads these wheels, whose bytes pip compares with the lock."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{one['name']}=={one['version']} --hash=sha256:{one['sha256']}\n" for one in locked)
        file.flush()
        options = ["--quiet", "--no-deps", "--require-hashes", f"--dest={folder}", f"--requirement={file.name}"]
        pip("download", *options, *target(python, architecture), hint=GONE)
