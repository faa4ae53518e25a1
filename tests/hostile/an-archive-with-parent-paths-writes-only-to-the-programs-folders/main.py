import io
import os
import tarfile

before = sorted(os.listdir("/etc"))
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    tar.addfile(link)
    for name in ("../../etc/climbed", "/etc/absolute", "link/through"):
        tar.addfile(tarfile.TarInfo(name))
archive.seek(0)
with tarfile.open(fileobj=archive) as tar:
    members = tar.getmembers()
    os.symlink(members[0].linkname, members[0].name)
    for member in members[1:]:
        try:
            # Without any checks of paths.
            with open(os.path.join("/work", member.name), "wb") as file:
                file.write(tar.extractfile(member).read())
            print(f"{member.name}: reached")
        except OSError:
            print(f"{member.name}: refused")
print("/etc:", "unchanged" if sorted(os.listdir("/etc")) == before else "changed")
