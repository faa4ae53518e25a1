"""Files of a session."""

import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from cofferdam import Changed, Client, NotFoundError, Session, TooLargeError, Watching, trees
from cofferdam.file_calls import Content


def test_files_of_every_form_are_written_and_read(session: Session) -> None:
    data = bytes(range(256)) * 8192
    forms: dict[str, Content] = {
        "bytes": data,
        "bytearray": bytearray(data),
        "file": io.BytesIO(data),
        "parts": (data[start : start + 999] for start in range(0, len(data), 999)),
    }
    for name, content in forms.items():
        session.files.write(f"made/{name}", content, mode=0o700)
        assert session.files.read(f"made/{name}") == data
    session.files.write("größe &?#%", "ü")
    assert session.files.read("größe &?#%") == "ü".encode()
    entry = session.files.stat("made/file")
    assert (entry.kind, entry.size, entry.mode) == ("file", len(data), 0o700)
    assert {entry.name for entry in session.files.list("made")} == set(forms)
    assert "made/bytes" in {entry.name for entry in session.files.list(depth=2)}


def test_a_name_that_is_not_utf_8_is_exact(session: Session) -> None:
    session.files.write(b"odd\xff", b"1")
    assert [entry.path for entry in session.files.list()] == [b"odd\xff"]
    for path in (b"odd\xff", "odd\udcff", Path("odd\udcff")):
        assert session.files.read(path) == b"1"


def test_a_file_over_the_disk_limit_is_refused(client: Client) -> None:
    with client.create_session(limits={"disk_bytes": 1 << 20}) as session:
        with pytest.raises(TooLargeError):
            session.files.write("large", (bytes(1 << 20) for _ in range(8)))
        assert session.files.list() == []


def test_files_are_moved_and_removed(session: Session) -> None:
    session.files.make_directory("a/b", mode=0o700)
    session.files.write("a/x", b"1")
    session.files.move("a/x", "a/b/y")
    assert session.files.read("a/b/y") == b"1"
    session.files.remove("a")
    for call in (session.files.stat, session.files.read, session.files.list, session.files.remove):
        with pytest.raises(NotFoundError) as error:
            call("a")
        assert error.value.code == "not-found"


def test_a_directory_survives_a_round_trip(session: Session, tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    (source / "deep" / ("long" * 40)).mkdir(parents=True)
    (source / "deep" / ("long" * 40) / "größe").write_bytes(b"\0\xff" * 5000)
    (source / "program").write_text("#!/bin/sh\n")
    (source / "program").chmod(0o755)
    (source / "link").symlink_to("deep")
    session.files.write_tree("tree", source)
    session.shell("ln -s /etc tree/out")
    assert session.files.read_tree("tree", copy) == ("out",)
    assert sorted(path.relative_to(copy) for path in copy.rglob("*")) == sorted(
        path.relative_to(source) for path in source.rglob("*")
    )
    assert (copy / "deep" / ("long" * 40) / "größe").read_bytes() == b"\0\xff" * 5000
    assert (copy / "program").stat().st_mode & 0o777 == 0o755
    with pytest.raises(ValueError, match="has entries"):
        session.files.read_tree("tree", copy)


@pytest.mark.parametrize(
    "links",
    [
        [("a", "..")],
        [("a", "b/../../x"), ("b", ".")],
        [("a", "b/.."), ("b", ".")],
        [("d", "."), ("d/a", "../..")],
        [("a", "a/b"), ("c", "/etc")],
    ],
)
def test_no_link_of_an_archive_leads_out(tmp_path: Path, links: list[tuple[str, str]]) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, target in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    directory = tmp_path / "in"
    assert trees.unpack(archive, directory) != ()
    for path in directory.rglob("*"):
        # Unlike `resolve`, this accepts links in a circle.
        assert Path(os.path.realpath(path)).is_relative_to(directory.resolve()), path


@pytest.mark.parametrize("name", ["../x", "/tmp/cofferdam-x", "a/../../x"])  # noqa: S108 - is refused
def test_a_path_of_an_archive_outside_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(ValueError, match="outside the directory"):
        trees.unpack(archive, tmp_path / "in")
    assert not (tmp_path / "x").exists()


def test_changes_of_a_directory_are_watched(session: Session) -> None:
    session.files.make_directory("seen")
    events = session.files.watch("seen", recursive=True)
    assert next(events) == Watching()
    writer = threading.Thread(target=session.files.write, args=("seen/a", b"1"))
    writer.start()
    paths = (event.path for event in events if isinstance(event, Changed))
    assert b"a" in paths
    writer.join()
    events.close()
