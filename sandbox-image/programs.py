"""Runs programs of the image in its own tree, so that the result depends on the lock and not on this machine."""

import os
import shutil
import subprocess
import sys

PYTHON = "/usr/bin/python3"


class Programs:
    def __init__(self, root, date):
        self.root, self.date = root, date
        # A user namespace lets an ordinary user change the root.
        self.prefix = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
        self.environment = {
            "HOME": "/tmp",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/sbin:/usr/bin",
            # The order of a set of strings would differ from run to run.
            "PYTHONHASHSEED": "0",
            "SOURCE_DATE_EPOCH": str(date),
            "TZ": "UTC",
        }
        # A library chooses its code by the processor, and results may differ in their last digits.
        self.environment["OPENBLAS_NUM_THREADS"] = "1"

    def run(self, *command, **streams):
        full = [*self.prefix, "chroot", str(self.root), *command]
        try:
            subprocess.run(full, check=True, env=self.environment, **streams)
        except FileNotFoundError:
            sys.exit(f"{full[0]} is missing: the image is built on Linux, with util-linux and coreutils")
        except subprocess.CalledProcessError as failed:
            hint = "" if os.geteuid() == 0 else " (without root this needs user namespaces)"
            sys.exit(f"{' '.join(command)} failed in the image's files with status {failed.returncode}{hint}")
        # What a program leaves there is not the image's.
        for folder in ["tmp", "var/tmp"]:
            shutil.rmtree(self.root / folder)
            (self.root / folder).mkdir()
            (self.root / folder).chmod(0o1777)

    def cache_libraries(self):
        """Writes /etc/ld.so.cache, which programs also read to find libraries."""
        self.run("/usr/sbin/ldconfig", "-X", "-i")
        shutil.rmtree(self.root / "var/cache/ldconfig")

    def compile_python(self, *folders):
        """Compiles modules ahead, since a sandbox could not keep the result. Python does not compare them with their
        sources, whose times a copy of the image may change."""
        options = ["-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
        # -B: else Python compares the modules that it imports itself with their sources.
        self.run(PYTHON, "-B", *options, *folders)

    def cache_fonts(self):
        """Writes fontconfig's cache. It is valid for folders of the image's date."""
        self.run("/usr/bin/fc-cache", "--system-only", "--really-force")

    def list_fonts_of_matplotlib(self):
        self.run(PYTHON, "-B", "-c", LIST_FONTS)

    def check_python_packages(self):
        """Whether each package has what it needs."""
        self.run(PYTHON, "-B", "-m", "pip", "--disable-pip-version-check", "check", stdout=sys.stderr)

    def compress(self, source, target):
        # The level from which on it takes minutes for each percent. The number of threads does not change the result.
        with open(source, "rb") as stdin, open(target, "wb") as stdout:
            self.run("/usr/bin/zstd", "-9", "-T2", "--no-progress", "--quiet", stdin=stdin, stdout=stdout)


LIST_FONTS = """
import matplotlib, pathlib
from matplotlib import font_manager
name = f"fontlist-v{font_manager.FontManager.__version__}.json"
font_manager.json_dump(font_manager.FontManager(), pathlib.Path(matplotlib.get_data_path(), name))
"""
