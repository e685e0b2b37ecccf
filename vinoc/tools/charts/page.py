"""A page of HTML with charts and tables that needs no other file; and charts as files of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ...backends.files import written_together
from .drawing import Drawing
from .svg import to_svg

SUFFIXES = (".svg", ".png", ".html")

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; color: #222;
  background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem } svg { max-width: 100%; height: auto }
table { border-collapse: collapse } td, th { text-align: left; padding: .25rem .8rem; border-bottom: 1px solid #ddd }
th { border-bottom: 2px solid #888 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto } .note { color: #666 }
"""


@dataclass
class Page:
    """Sections, one below the other: drawings, tables, sentences."""

    title: str
    parts: list[str] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)

    def chart(self, drawing: Drawing) -> None:
        self.drawings.append(drawing)
        self.parts.append(to_svg(drawing))

    def heading(self, text: str) -> None:
        self.parts.append(f"<h2>{escape(text)}</h2>")

    def note(self, text: str) -> None:
        self.parts.append(f'<p class="note">{escape(text)}</p>')

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> None:
        """Columns of `numbers` stand to the right."""
        marks = ['class="n"' if i in numbers else "" for i in range(len(columns))]
        head = "".join(f"<th {m}>{escape(c)}</th>" for c, m in zip(columns, marks, strict=True))
        body = "".join(
            "<tr>" + "".join(f"<td {m}>{escape(c)}</td>" for c, m in zip(row, marks, strict=True)) + "</tr>\n"
            for row in rows
        )
        self.parts.append(f'<div class="wide"><table><tr>{head}</tr>\n{body}</table></div>')

    def html(self) -> str:
        body = "\n".join(self.parts)
        return (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(self.title)}</title>\n'
            f"<style>{STYLE}</style></head><body>\n<h1>{escape(self.title)}</h1>\n{body}\n</body></html>\n"
        )


def write_page(page: Page, path: Path) -> list[Path]:
    """The page as .html; as .svg or .png its charts, numbered where there are several. Returns the files."""
    if path.suffix == ".html":
        contents = [page.html().encode()]
    elif path.suffix == ".svg":
        contents = [to_svg(d).encode() for d in page.drawings]
    else:
        from .png import to_png

        contents = [to_png(d) for d in page.drawings]
    several = len(contents) > 1
    paths = [path.with_stem(f"{path.stem}-{i}") if several else path for i in range(1, len(contents) + 1)]
    with written_together(paths) as files:
        for file, data in zip(files, contents, strict=True):
            file.write(data)
    return paths
