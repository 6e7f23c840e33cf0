"""The page in a browser: opens from disk, links its views, and is worked by keys alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.devtools import Browser, find_browser
from generators.view_programs import EXAMPLES, LOOP, TIPS, long_program, read

from sglc.viz.atlas import Atlas
from sglc.viz.page import page_data, render_page

Make = Callable[..., Atlas]
BINARY = find_browser()
pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium or Chrome is installed")
VIEWS = ("source", "lanes", "graph", "machines")
GEN = """DATA.ops.find((op) => op.line.includes('gen ') && op.line.includes('score'))"""
LIT = "Object.fromEntries(VIEWS.map((v) => [v, document.querySelectorAll(`#${v} .lit`).length]))"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert BINARY is not None
    with Browser(BINARY, tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def open_page(browser: Browser, atlas_of: Make, tmp_path: Path) -> Callable[[Any], Browser]:
    """Open the page of a program; nothing may be written to the console."""

    def show(source: Any) -> Browser:
        path = tmp_path / "page.html"
        path.write_text(render_page(page_data(atlas_of(source), "program.sgl")))
        browser.problems.clear()
        browser.open(path)
        assert browser.problems == []
        return browser

    return show


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_opens_without_an_error(path: Path, open_page: Any) -> None:
    page = open_page(read(path))
    counts = page.run("VIEWS.map((view) => items[view].length)")
    assert all(counts[:3])
    assert page.run("performance.getEntriesByType('resource').length") == 0


def test_pointing_at_the_source_lights_all_views(open_page: Any) -> None:
    page = open_page(TIPS)
    page.run("items.source.find((e) => e.textContent === 'gen(Score)').id = 'here'")
    page.point("#here")
    assert page.run(LIT)["source"] == 1
    assert page.run("document.querySelector('#graph .box.lit .title').textContent") == "gen score"
    assert page.run("document.querySelector('#lanes .lit .name').textContent") == "score"
    assert page.run("document.querySelector('#machines .lit h3').textContent").startswith("Score")
    assert "gen %" in page.run("document.getElementById('detail').textContent")
    page.point("header h1")
    assert page.run("document.querySelectorAll('.lit').length") == 0


@pytest.mark.parametrize("view", VIEWS)
def test_pointing_at_any_view_lights_the_source(view: str, open_page: Any) -> None:
    page = open_page(TIPS)
    page.run(f"items.{view}.find((e) => e.keys.includes({GEN}.key)).id = 'here'")
    page.point("#here .title, #here .station, #here h3, span#here")
    lit = page.run("[...document.querySelectorAll('#source .lit')].map((e) => e.textContent)")
    assert lit == ["gen(Score)"]


@pytest.mark.parametrize(("number", "view"), list(enumerate(VIEWS, 1)))
def test_keys_reach_every_view_and_move_in_it(number: int, view: str, open_page: Any) -> None:
    page = open_page(TIPS)
    page.press(str(number))
    assert page.run(f"document.activeElement === body('{view}')")
    page.press("ArrowRight")
    assert page.run(f"items.{view}.indexOf(document.activeElement)") == 0
    assert page.run(LIT)[view] >= 1
    page.press("ArrowRight")
    assert page.run(f"items.{view}.indexOf(document.activeElement)") == 1
    page.press("Enter")
    assert page.run("state.held.size") >= 1
    page.press("Escape")
    assert page.run("state.held") is None


def test_tab_reaches_every_view_and_control(open_page: Any) -> None:
    page = open_page(TIPS)
    seen = set()
    for _ in range(20):
        page.press("Tab")
        seen.add(
            page.run("(document.activeElement.closest('.panel') || document.activeElement).id")
        )
    assert {*VIEWS, "function", "theme"} <= seen


def test_every_item_has_a_name(open_page: Any) -> None:
    page = open_page(LOOP)
    names = "VIEWS.flatMap((v) => items[v]).map((e) => e.getAttribute('aria-label'))"
    assert all(name.strip() for name in page.run(names))


def test_what_lights_up_is_scrolled_to(open_page: Any) -> None:
    page = open_page(long_program(60))
    page.run("items.graph.find((e) => e.textContent.includes('gen a59')).id = 'here'")
    page.point("#here .title")
    visible = """(view) => {
        const at = document.querySelector(`#${view} .lit`).getBoundingClientRect();
        const room = body(view).getBoundingClientRect();
        return at.top >= room.top && at.bottom <= room.bottom && at.left >= room.left;
    }"""
    assert page.run(f"['source', 'lanes'].every({visible})")


def test_a_view_can_be_alone_and_light_or_dark(open_page: Any) -> None:
    page = open_page(TIPS)
    page.press("3")
    page.press("f")
    shown = "VIEWS.filter((view) => document.getElementById(view).offsetWidth > 0)"
    assert page.run(shown) == ["graph"]
    page.press("Escape")
    assert page.run(shown) == list(VIEWS)
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.run(colour)
    page.press("t")
    assert page.run(colour) != before


def test_another_function_is_shown_and_followed(open_page: Any) -> None:
    source = 'prompt inner():\n    "in"\n\nprompt outer():\n    "out"\n    include inner()\n'
    page = open_page(source)
    page.run("items.source.find((e) => e.textContent === 'out').click()")
    assert page.run("shownFunction().name") == "outer"
    assert page.run("document.querySelectorAll('#graph .box.lit').length") == 1


def test_a_page_of_2000_ops_opens_regions_on_demand(open_page: Any) -> None:
    page = open_page(long_program(400))
    assert page.run("DATA.ops.length") > 2000
    page.run("items.graph.find((e) => e.opens).id = 'region'")
    page.run("document.getElementById('region').focus()")
    page.press("Enter")
    page.press("Enter")
    assert page.run("state.sheet") == 1
    assert "for i in 1..3" in page.run("document.querySelector('#graph .trail').textContent")
    page.press("3")
    page.run("up()")
    assert page.run("state.sheet") == 0
    assert page.problems == []
