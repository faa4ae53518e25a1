"""Debian packages: which ones are needed, by apt's own solver, from the mirror that this machine is set up for."""

import os
import pathlib
import subprocess
import sys
import urllib.parse

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def run(*command):
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    except FileNotFoundError:
        sys.exit(f"{command[0]} is missing: this needs a machine with apt, such as one with Debian")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{command[0]} failed with status {failed.returncode}; its messages are above")


def mirrors():
    """The addresses of Debian's archives by name: those of the environment, or of this machine's own Debian."""
    found = {
        "debian": os.environ.get("DEBIAN_MIRROR"),
        "debian-security": os.environ.get("DEBIAN_SECURITY_MIRROR"),
    }
    if not all(found.values()):
        wanted = ["Created-By: Packages", "Origin: Debian", "Component: main"]
        try:
            lines = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE)", *wanted).splitlines()
        except SystemExit:
            lines = []
        for address, suite in (line.split() for line in lines):
            name = "debian-security" if suite.endswith("-security") else "debian"
            found[name] = found[name] or address
    for name, address in found.items():
        if not address:
            variable = f"{name.upper().replace('-', '_')}_MIRROR"
            sys.exit(f"apt on this machine has no source of Debian's packages: set {variable} to the address of a mirror")
    return {name: address.rstrip("/") + "/" for name, address in found.items()}


class Solver:
    """A private apt in a folder, in which nothing is installed."""

    def __init__(self, folder, suite, architecture):
        self.mirrors = mirrors()
        folder = pathlib.Path(folder).resolve()
        for name in ["lists/partial", "cache/archives/partial"]:
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").write_text("")
        sources = [("debian", suite), ("debian", f"{suite}-updates"), ("debian-security", f"{suite}-security")]
        lines = [f"deb [signed-by={KEYRING}] {self.mirrors[name]} {suite} main\n" for name, suite in sources]
        (folder / "sources.list").write_text("".join(lines))
        settings = {
            "Dir::Etc::SourceList": folder / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State": folder,
            "Dir::State::Status": folder / "status",
            "Dir::Cache": folder / "cache",
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
        }
        self.options = ["-qq", *(f"-o{name}={value}" for name, value in settings.items())]
        run("apt-get", *self.options, "update")

    def closure(self, names):
        """The packages that these need, with these, each with the fields of its index."""
        lines = run("apt-get", *self.options, "--print-uris", "--yes", "install", *names).splitlines()
        addresses, wanted = [], []
        for address, file, *_ in (line.split() for line in lines if line.startswith("'")):
            name, version, _ = file.split("_")
            addresses.append(urllib.parse.unquote(address.strip("'")))
            wanted.append((name, version.replace("%3a", ":")))
        versions = [f"{name}={version}" for name, version in wanted]
        records = run("apt-cache", *self.options, "show", *versions).strip().split("\n\n")
        fields = {}
        for record in records:
            one = dict(line.split(": ", 1) for line in record.splitlines() if ": " in line and not line.startswith(" "))
            fields[one["Package"], one["Version"]] = one
        return [self.locked(address, fields[one]) for address, one in zip(addresses, wanted, strict=True)]

    def locked(self, address, fields):
        # The longer address first: one mirror may be a folder of the other.
        for name, mirror in sorted(self.mirrors.items(), key=lambda one: -len(one[1])):
            if address == mirror + fields["Filename"]:
                source = fields.get("Source", fields["Package"]).split()[0]
                return {
                    "name": fields["Package"],
                    "version": fields["Version"],
                    "architecture": fields["Architecture"],
                    "source": source,
                    "archive": name,
                    "path": fields["Filename"],
                    "size": int(fields["Size"]),
                    "sha256": fields["SHA256"],
                }
        sys.exit(f"apt takes {fields['Package']} from a source that is not Debian's mirror")
