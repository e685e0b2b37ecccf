"""Files that appear together: links stay links, devices and pipes stay what they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vinoc.backends.files import write_text, written_together
from vinoc.ir.errors import VinocError


def test_nothing_appears_after_an_error(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("before")

    def half() -> None:
        with written_together([old, new]) as files:
            files[0].write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert old.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_a_link_leads_where_it_led(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "real" / "file.json")
    for text in ("first", "second"):  # the first one makes the file
        write_text(link, text)
        assert link.is_symlink()
        assert (tmp_path / "real" / "file.json").read_text() == text
    assert [p.name for p in (tmp_path / "real").iterdir()] == ["file.json"]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "through")
    reader.join()
    assert read == ["through"]
    assert pipe.is_fifo()


def test_a_device_stays_one(tmp_path: Path) -> None:
    """The null device that a test may write to, and the one of a full disk; never a file in their place."""
    write_text(Path("/dev/null"), "nowhere")
    assert Path("/dev/null").is_char_device()
    if Path("/dev/full").is_char_device():
        with pytest.raises(VinocError, match="No space left"):
            write_text(Path("/dev/full"), "too much")
        assert Path("/dev/full").is_char_device()


def test_standard_output_by_its_name() -> None:
    code = "from pathlib import Path; from vinoc.backends.files import write_text; write_text(Path('/dev/stdout'), 'x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "x"
    assert os.path.lexists("/dev/stdout")
