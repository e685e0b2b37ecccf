"""Entry points as they are found here beside `importlib.metadata`."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import pytest

from vinoc.ir import entries
from vinoc.ir.entries import Entry

TEXT = """
# a comment
[console_scripts]
tool = a:b
[vinoc.passes]
# another = x:y
one=pack.module:Cls.inner
two = pack.module : other [extra1, extra2]

[vinoc.devices]
three = pack
[other]
four = x:y
"""


def package(root: Path, name: str, text: str | None = TEXT, kind: str = "dist-info", version: str = "1.0") -> Path:
    """The folder that tells of an installed package."""
    info = root / f"{name}-{version}.{kind}"
    info.mkdir(parents=True)
    (info / ("METADATA" if kind == "dist-info" else "PKG-INFO")).write_text(f"Metadata-Version: 2.1\nName: {name}\n")
    if text is not None:
        (info / "entry_points.txt").write_text(text)
    return info


def same() -> dict[str, list[Entry]]:
    """What is found, once it was compared with what Python's own finder finds."""
    found = entries._installed.__wrapped__()
    for group in {*found, "vinoc.passes", "vinoc.devices", "vinoc.ops"}:
        theirs = metadata.entry_points(group=group)
        assert {(e.name, e.value) for e in found.get(group, ())} == {(e.name, e.value) for e in theirs}
    return found


def names(group: str) -> set[tuple[str, str]]:
    return {(e.package, e.name) for e in same().get(group, ())}


def test_what_is_installed_here() -> None:
    assert entries._are_plain()
    assert ("vinoc", "fuse") in names("vinoc.passes")


@pytest.mark.parametrize("kind", ["dist-info", "egg-info"])
def test_folders(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "Some_Pack.age", kind=kind)
    package(tmp_path, "without", None, kind)
    (tmp_path / "single.egg-info").write_text("Name: single\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert entries._are_plain()
    found = {("some-pack-age", "one"), ("some-pack-age", "two")}
    assert names("vinoc.passes") >= found
    assert {e.value for e in same()["vinoc.passes"]} >= {
        "pack.module:Cls.inner",
        "pack.module : other [extra1, extra2]",
    }


def test_the_first_on_the_path_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "later", "my_pack", "[vinoc.passes]\nold = a:b\n")
    package(tmp_path / "first", "My.Pack", "[vinoc.passes]\nnew = a:b\n", version="2.0")
    package(tmp_path / "later", "hidden", "[vinoc.passes]\nhidden = a:b\n")
    package(tmp_path / "first", "hidden", None)
    for folder in ("later", "first"):
        monkeypatch.syspath_prepend(tmp_path / folder)
    assert {n for _, n in names("vinoc.passes")} & {"old", "new", "hidden"} == {"new"}


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "here")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    assert ("here", "one") in names("vinoc.passes")


def test_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = package(tmp_path / "files", "zipped")
    with ZipFile(tmp_path / "packages.zip", "w") as archive:
        for file in info.iterdir():
            archive.write(file, f"{info.name}/{file.name}")
    monkeypatch.syspath_prepend(tmp_path / "packages.zip")
    assert not entries._are_plain()
    assert ("zipped", "one") in names("vinoc.passes")


def test_eggs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "egg_pack-1.0-py3.11.egg" / "EGG-INFO"
    info.mkdir(parents=True)
    (info / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: egg_pack\n")
    (info / "entry_points.txt").write_text(TEXT)
    monkeypatch.syspath_prepend(info.parent)
    assert not entries._are_plain()
    assert ("egg-pack", "one") in names("vinoc.passes")


def test_another_finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = package(tmp_path, "elsewhere")

    class Finder:
        """Knows of a package that lies off the path."""

        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None: ...

        @staticmethod
        def find_distributions(context: object = None) -> list[metadata.Distribution]:
            return [metadata.Distribution.at(info)]

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert not entries._are_plain()
    assert ("elsewhere", "one") in names("vinoc.passes")


def test_loading() -> None:
    for value in ("os.path:join", "os.path", "os : path.join [extra]"):
        assert Entry("n", value).load() is metadata.EntryPoint("n", value, "g").load()
    with pytest.raises(AttributeError):
        Entry("n", "os:nothing").load()
    with pytest.raises(ImportError):
        Entry("n", ":nothing").load()
