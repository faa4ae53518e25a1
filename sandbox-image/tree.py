"""The image's files while it is built: one folder, to which each layer adds. A file has one of two modes, whatever its
package says: 0755 if it can be executed, else 0644. So there is no setuid program."""

import fnmatch
import os
import pathlib
import re
import sys

# Debian's links at the top, to which older packages do not keep.
MERGED = {"bin", "lib", "lib64", "sbin"}
# Where any user may write.
SHARED = {"tmp", "var/tmp"}


class Tree:
    def __init__(self, root, drop, keep):
        self.root = pathlib.Path(root)
        self.root.mkdir(parents=True)
        self.root.chmod(0o755)
        self.dropped, self.kept = matcher(drop), matcher(keep)
        self.layers = [{"."}]

    def wants(self, path):
        return bool(self.kept(path)) or not self.dropped(path)

    def where(self, name):
        """The path of a file of a package, relative to the root, or None if the image does without it."""
        parts = pathlib.PurePosixPath(name.lstrip("/")).parts
        if ".." in parts:
            sys.exit(f"a package has a file named {name}")
        if len(parts) > 1 and parts[0] in MERGED:
            parts = ("usr", *parts)
        path = "/".join(parts)
        return path if path and self.wants(path) else None

    def folder(self, path):
        """Creates a folder, and those above it."""
        target = self.root / path
        if not target.is_dir():
            if path not in ("", "."):
                self.folder(os.path.dirname(path))
            target.mkdir()
        target.chmod(0o1777 if path in SHARED else 0o755)
        return target

    def new(self, path):
        """The place of a file that does not exist yet, in a folder that does."""
        target = self.folder(os.path.dirname(path)) / os.path.basename(path)
        if target.is_symlink() or target.exists():
            sys.exit(f"two packages have the file /{path}")
        return target

    def file(self, path, content, executable=False):
        target = self.new(path)
        target.write_bytes(content)
        target.chmod(0o755 if executable else 0o644)

    def link(self, path, to):
        self.new(path).symlink_to(to)

    def copy(self, path, of):
        """A hard link to another file of the tree."""
        os.link(self.root / of, self.new(path))

    def paths(self):
        """Every path below the root, sorted. A folder precedes what is in it."""
        found = []
        for folder, folders, files in os.walk(self.root):
            relative = pathlib.Path(folder).relative_to(self.root)
            found += [str(relative / name) for name in folders + files]
        return sorted(found)

    def end_layer(self):
        """The paths that were added since the last layer."""
        before = set().union(*self.layers)
        added = [path for path in self.paths() if path not in before]
        self.layers.append(set(added))
        return added


def matcher(patterns):
    return re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
