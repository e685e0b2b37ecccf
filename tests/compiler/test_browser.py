"""The pages in a real browser: nothing on the console, no request to anywhere, pictures that are there, a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from vinoc.compiler.driver import compile_model_file
from vinoc.compiler.report import write_report

from .. import browser
from ..conftest import SHARED
from .conftest import Cli

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser.find() is None, reason="no Chromium: apt-get install chromium, or set VINOC_BROWSER"),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "models" / "blazeface" / "blazeface.onnx"
LARGER = SHARED / "models" / "blazeface" / "blazeface.onnx"

LOOK = """
document.getElementById('unfold').click();
document.querySelectorAll('details').forEach((d) => { d.open = true; });
const seen = [...document.querySelectorAll('svg')].map((s) => s.getBoundingClientRect());
const text = [...document.querySelectorAll('svg .card')].filter((c) => c.querySelector('.kind')).map((c) => {
  const box = c.querySelector('.box').getBoundingClientRect();
  return Math.max(...[...c.querySelectorAll('text')].map((t) => t.getBoundingClientRect().right)) - box.right;
});
const color = () => getComputedStyle(document.body).backgroundColor;
const before = color();
document.getElementById('theme').click();
const after = color();
const field = document.getElementById('find');
field.value = FIND;
field.dispatchEvent(new Event('input'));
const found = document.getElementById('found');
const listed = found.textContent, shown = getComputedStyle(found).display;
const links = [...found.querySelectorAll('a')].map((a) => a.getAttribute('href'));
const hits = document.querySelectorAll('.card.hit').length;
field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
const card = document.querySelector('.card.at');
card.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));
const tip = document.getElementById('tip');
return {
  pictures: seen.length, empty: seen.filter((r) => r.width < 60 || r.height < 20).length, overhang: Math.max(...text),
  dark: before !== after, listed, shown, hits, links, reached: Boolean(card), tip: tip.textContent,
  tipShown: tip.style.display, whole: links.every((l) => document.querySelector(l)),
  wide: document.documentElement.scrollWidth - innerWidth, titles: document.querySelectorAll('svg title').length,
};
"""


def look(page: str, folder: Path, find: str) -> browser.Visit:
    visit = browser.visit(page, folder, LOOK.replace("FIND", repr(find)))
    assert visit.console == []
    assert visit.asked == []
    assert visit.served == ["/page.html"]
    return visit


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of blazeface: the shared one, or the one of the examples."""
    folder = tmp_path_factory.mktemp("report")
    model = LARGER if LARGER.exists() else EXAMPLE
    write_report(compile_model_file(model, out_dir=folder, record=True), folder / "r.html")
    return (folder / "r.html").read_text()


def test_the_report_of_a_real_model(report: str, tmp_path: Path) -> None:
    found = look(report, tmp_path, "/Pad").result
    assert found["pictures"] >= 10
    assert found["empty"] == 0
    assert found["overhang"] < 0, "text ends within its card"
    assert found["wide"] <= 0, "nothing sticks out of the page"
    assert found["dark"]
    assert found["shown"] == "block"
    assert "→ Convolution '/Pad'" in found["listed"]
    assert found["hits"] > 0
    assert found["links"]
    assert found["whole"]
    assert found["reached"]
    assert found["tip"].startswith("Pad '/")
    assert found["tip"].endswith(" (Pad)"), "the framework node that it comes from"
    assert found["tipShown"] == "block"
    assert found["titles"] == 0, "they are the tips now"


def test_the_pictures_are_painted(report: str, tmp_path: Path) -> None:
    browser.visit(report, tmp_path, shot=tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 20_000


def test_a_difference(cli: Cli, tmp_path: Path) -> None:
    compile_model_file(EXAMPLE, out_dir=tmp_path, passes="fuse,fp16")
    cli("diff", EXAMPLE, tmp_path / "blazeface.xml", "--html", tmp_path / "d.html")
    found = look((tmp_path / "d.html").read_text(), tmp_path, "/Pad").result
    assert found["pictures"] >= 10
    assert found["empty"] == 0
    assert found["overhang"] < 0
    assert "removed" in found["listed"]
    assert found["whole"]


def test_the_check_sees_what_it_looks_for(tmp_path: Path) -> None:
    """A page that complains and asks for files is told from one that does not."""
    page = (
        "<!doctype html><html><head><link rel='icon' href='data:,'></head><body><img src='/picture.png'>"
        "<img src='http://elsewhere.example/x.png'><script>console.error('oh')</script></body></html>"
    )
    visit = browser.visit(page, tmp_path)
    assert any('"oh"' in line for line in visit.console)
    assert visit.served == ["/page.html", "/picture.png"]
    assert any(address.endswith("/picture.png") for address in visit.asked)
    assert any("elsewhere.example" in address for address in visit.asked)
