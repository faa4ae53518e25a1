"""The files of a lock, in the user's cache, with their bytes verified."""

import hashlib
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import apt
import wheels

APT_HELPER = "/usr/lib/apt/apt-helper"


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(home) / "cofferdam" / "sandbox-image"


def file_of(package):
    return os.path.basename(package.get("path") or package["file"])


def is_complete(path, package):
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == package["sha256"]
    except OSError:
        return False


def fetch(layers, python, architecture):
    """The folder with every package of these layers."""
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    for kind, get in [
        ("debian", lambda missing: fetch_debian(missing, folder)),
        ("wheels", lambda missing: wheels.download(missing, python, architecture, folder)),
    ]:
        wanted = [package for layer in layers.values() for package in layer[kind]]
        if missing := [one for one in wanted if not is_complete(folder / file_of(one), one)]:
            print(f"downloading {len(missing)} packages into {folder}", flush=True)
            for one in missing:
                (folder / file_of(one)).unlink(missing_ok=True)
            get(missing)
            for one in missing:
                if not is_complete(folder / file_of(one), one):
                    end(one)
    return folder


def end(package):
    """Ends with a status of its own, so that a script can tell an outdated lock file from other failures."""
    print(
        f"{package['name']} {package['version']} of the lock file cannot be downloaded (messages are above): if the "
        "registry no longer has it, `make sandbox-image-lock` replaces it by the newest version",
        file=sys.stderr,
    )
    sys.exit(3)


def fetch_debian(missing, folder):
    mirrors = apt.mirrors()
    wanted = [(mirrors[one["archive"]] + one["path"], folder / file_of(one), one) for one in missing]
    if os.path.exists(APT_HELPER):
        # It knows apt's proxies and credentials.
        arguments = [part for address, path, one in wanted for part in (address, str(path), f"SHA256:{one['sha256']}")]
        subprocess.run([APT_HELPER, "-qq", "-oAPT::Sandbox::User=root", "download-file", *arguments], check=False)
        return
    for address, path, one in wanted:
        try:
            with urllib.request.urlopen(address) as response:
                path.write_bytes(response.read())
        except (urllib.error.URLError, OSError) as error:
            print(f"{one['path']}: {error}", file=sys.stderr)
            end(one)
