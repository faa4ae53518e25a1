"""Writes an OCI image as one archive. The same files and the same date give the same bytes."""

import hashlib
import io
import json
import os
import tarfile

BLOBS = "blobs/sha256"


def entry(name, date):
    info = tarfile.TarInfo(name)
    info.mtime = date
    info.mode = 0o644
    return info


def write_layer(tree, paths, date, target):
    """Writes paths of the tree as a layer. The owner of everything is root."""
    inodes = {}
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as layer:
        for path in paths:
            source, info = tree.root / path, entry(path, date)
            status = os.lstat(source)
            info.mode = status.st_mode & 0o1777
            if source.is_symlink():
                info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, os.readlink(source)
                layer.addfile(info)
            elif source.is_dir():
                info.type = tarfile.DIRTYPE
                layer.addfile(info)
            elif status.st_nlink > 1 and status.st_ino in inodes:
                info.type, info.linkname = tarfile.LNKTYPE, inodes[status.st_ino]
                layer.addfile(info)
            else:
                inodes[status.st_ino] = path
                info.size = status.st_size
                with open(source, "rb") as content:
                    layer.addfile(info, content)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Image:
    """An OCI image layout in a folder."""

    def __init__(self, folder):
        self.folder = folder
        (folder / BLOBS).mkdir(parents=True)

    def add(self, path, media_type):
        """Moves a file into the layout, and returns its descriptor."""
        sha256 = digest(path)
        size = path.stat().st_size
        os.replace(path, self.folder / BLOBS / sha256)
        return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": size}

    def add_json(self, content, media_type):
        path = self.folder / "new"
        path.write_text(json.dumps(content, indent=1, sort_keys=True))
        return self.add(path, media_type)

    def write(self, manifest, target):
        """Writes the archive of the layout, whose only image is this one."""
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]}
        files = {
            "index.json": json.dumps(index, indent=1, sort_keys=True).encode(),
            "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
        }
        with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in files.items():
                info = entry(name, 0)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            for name in ["blobs", BLOBS]:
                info = entry(name, 0)
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            for blob in sorted((self.folder / BLOBS).iterdir()):
                info = entry(f"{BLOBS}/{blob.name}", 0)
                info.size = blob.stat().st_size
                with open(blob, "rb") as content:
                    archive.addfile(info, content)
