import io
import os
import stat
import sys
import tarfile

from attempts import NEWNS, attempt, become_root_of_a_namespace, in_a_child

DEVICES = {
    "disk": (stat.S_IFBLK, 8, 0),
    "memory": (stat.S_IFCHR, 1, 1),
    "hypervisor": (stat.S_IFCHR, 10, 232),
    "terminal": (stat.S_IFCHR, 4, 0),
}


def make(who):
    for name, (kind, major, minor) in DEVICES.items():
        attempt(who + name, lambda: os.mknod(f"/tmp/{who}{name}", kind | 0o666, os.makedev(major, minor)))
    sys.stdout.flush()


def as_root():
    become_root_of_a_namespace(NEWNS)
    make("as root, ")


make("")
in_a_child(as_root)
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    member = tarfile.TarInfo("disk")
    member.type, member.devmajor, member.devminor = tarfile.BLKTYPE, 8, 0
    tar.addfile(member)
archive.seek(0)
with tarfile.open(fileobj=archive) as tar:
    attempt("from an archive", lambda: tar.makedev(tar.getmembers()[0], "/tmp/disk"))
