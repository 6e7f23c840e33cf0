"""The page in a browser: opens from disk, links its views, and is worked by keys alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.devtools import Browser, find_browser
from generators.traces import Traced, branches, traced
from generators.view_programs import EXAMPLES, FOLDED, LOOP, TIPS, long_program, read, staged

from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile
from sglc.viz.atlas import Atlas
from sglc.viz.page import page_data, render_page

BINARY = find_browser()
pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium or Chrome is installed")
VIEWS = ("source", "lanes", "graph", "machines", "passes")
LINKED = VIEWS[:4]
GEN = """DATA.ops.find((op) => op.line.includes('gen ') && op.line.includes('score'))"""
LIT = "Object.fromEntries(VIEWS.map((v) => [v, document.querySelectorAll(`#${v} .lit`).length]))"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert BINARY is not None
    with Browser(BINARY, tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Open the page of a program; nothing may be written to the console."""

    def show(source: Any, pipeline: str = "fold,gvn,dce") -> Browser:
        path = tmp_path / "page.html"
        text = source if isinstance(source, SourceFile) else SourceFile("program.sgl", source)
        graph, stages = staged(text, pipeline)
        names = [name for name, f in graph.functions.items() if f.kind == "prompt"]
        path.write_text(render_page(page_data(Atlas(graph, names), "program.sgl", stages)))
        browser.problems.clear()
        browser.open(path)
        assert browser.problems == []
        return browser

    return show


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_opens_without_an_error(path: Path, open_page: Any) -> None:
    page = open_page(read(path), str(level(2)))
    counts = page.run("VIEWS.map((view) => items[view].length)")
    assert all(counts[:3])
    for _ in range(page.run("DATA.stages.length")):
        page.press("]")
    assert page.run("state.stage") == page.run("DATA.stages.length") - 1
    assert all(page.run("VIEWS.map((view) => items[view].length)")[:3])
    assert page.problems == []
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


@pytest.mark.parametrize("view", LINKED)
def test_pointing_at_any_view_lights_the_source(view: str, open_page: Any) -> None:
    page = open_page(TIPS)
    page.run(f"items.{view}.find((e) => e.keys.includes({GEN}.keys[0])).id = 'here'")
    page.point("#here .title, #here .station, #here h3, span#here")
    lit = page.run("[...document.querySelectorAll('#source .lit')].map((e) => e.textContent)")
    assert lit == ["gen(Score)"]


@pytest.mark.parametrize(("number", "view"), list(enumerate(LINKED, 1)))
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
    assert {*LINKED, "function", "theme"} <= seen


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
    assert page.run(shown) == list(LINKED)
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.run(colour)
    page.press("t")
    assert page.run(colour) != before


def test_another_function_is_shown_and_followed(open_page: Any) -> None:
    source = 'prompt inner():\n    "in"\n\nprompt outer():\n    "out"\n    include inner()\n'
    page = open_page(source)
    page.run("items.source.find((e) => e.textContent === 'out').click()")
    assert page.run("DATA.functions[state.shown].name") == "outer"
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


def test_the_slider_goes_through_the_passes(open_page: Any) -> None:
    page = open_page(FOLDED)
    page.run("show(DATA.functions.findIndex((fn) => fn.name === 'outer'))")
    assert page.run("document.getElementById('stages').offsetHeight") > 0
    titles = page.run("DATA.stages.map((stage) => stage.title)")
    assert titles[0] == "as written"
    boxes = "document.querySelectorAll('#graph .box.stream').length"
    before = page.run(boxes)
    page.run("document.getElementById('stage').focus()")
    for number, title in enumerate(titles[1:], 1):
        page.press("ArrowRight")
        assert page.run("state.stage") == number
        assert title in page.run("document.getElementById('stage-name').textContent")
    assert page.run(boxes) < before
    page.press("Home")
    assert (page.run("state.stage"), page.run(boxes)) == (0, before)
    page.press("]")
    page.press("]")
    page.press("[")
    assert page.run("state.stage") == 1
    assert page.problems == []


def test_the_graph_marks_what_a_pass_touches(open_page: Any) -> None:
    page = open_page(FOLDED)
    page.run("show(DATA.functions.findIndex((fn) => fn.name === 'outer'))")
    marked = "[...document.querySelectorAll('#graph .box.%s .title')].map((e) => e.textContent)"
    going = page.run(marked % "goes")
    assert going
    page.press("]")
    come = page.run(marked % "added") + page.run(marked % "changed")
    assert come
    listed = page.run("[...document.querySelectorAll('#passes .record.op')].length")
    assert listed >= len(come)


def test_a_record_lights_what_it_is_about(open_page: Any) -> None:
    page = open_page(FOLDED)
    page.run("show(DATA.functions.findIndex((fn) => fn.name === 'outer'))")
    page.press("]")
    assert page.run("document.getElementById('passes').hidden") is False
    page.press("5")
    page.press("ArrowRight")
    assert page.run("items.passes.indexOf(document.activeElement)") == 0
    assert page.run(LIT)["source"] >= 1
    assert page.run(LIT)["graph"] >= 1
    page.press("4")
    assert page.run("document.getElementById('passes').hidden") is True
    assert page.run("document.activeElement === body('machines')")


def test_an_op_says_which_passes_changed_it(open_page: Any) -> None:
    page = open_page(FOLDED)
    page.run("items.source.find((e) => e.textContent === 'b').id = 'here'")
    page.point("#here")
    assert "changed by fold" in page.run("document.getElementById('detail').textContent")
    page.run("items.source.find((e) => e.textContent.includes('gen(max_tokens=4)')).id = 'there'")
    page.point("#there")
    assert "changed by" not in page.run("document.getElementById('detail').textContent")


def test_a_page_of_2000_ops_goes_through_the_passes(open_page: Any) -> None:
    page = open_page(long_program(400, folds=True))
    assert page.run("DATA.stages.length") > 1
    start = "performance.now()"
    took = page.run(f"(() => {{ const t = {start}; goTo(1); return {start} - t; }})()")
    assert page.run("state.stage") == 1
    assert page.run("document.querySelectorAll('#graph .box').length") > 800
    assert took < 20_000  # so slow that something is wrong, whatever the machine
    assert page.problems == []


@pytest.fixture
def open_run(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Open the page of a run; nothing may be written to the console."""

    def show(known: Traced) -> Browser:
        path = tmp_path / "run.html"
        data = page_data(known.atlas(), "a.sgl", known.stages, known.read())
        path.write_text(render_page(data))
        browser.problems.clear()
        browser.open(path)
        assert browser.problems == []
        return browser

    return show


@pytest.mark.parametrize(("number", "view"), [(6, "timeline"), (7, "prefixes"), (8, "transcript")])
def test_keys_reach_the_views_of_a_run(number: int, view: str, open_run: Any) -> None:
    page = open_run(branches())
    page.press(str(number))
    assert page.run(f"document.activeElement === body('{view}')")
    assert page.run(f"body('{view}').offsetHeight") > 50
    count = page.run(f"items.{view}.length")
    assert count >= 5
    for at in range(3):
        page.press("ArrowRight")
        assert page.run(f"items.{view}.indexOf(document.activeElement)") == at
    names = page.run(f"items.{view}.map((e) => e.getAttribute('aria-label'))")
    assert all(name.strip() for name in names)
    page.press("f")
    assert page.run(f"document.querySelector('.whole').id === '{view}'")
    page.press("1")
    assert page.run("document.querySelector('.whole').id") == "source"
    page.press("Escape")
    assert page.problems == []


def test_a_call_lights_up_in_all_views(open_run: Any) -> None:
    page = open_run(branches())
    page.run("show(DATA.functions.findIndex((fn) => fn.name === 'main'))")
    page.run("items.timeline.find((e) => e.textContent.includes('gen c')).id = 'here'")
    page.point("#here .phase")
    counts = page.run(LIT)
    assert counts["timeline"] == counts["source"] == counts["transcript"] == 1
    assert counts["graph"] >= 1
    assert counts["lanes"] >= 1
    assert counts["prefixes"] >= 1
    lit = "document.querySelector('#%s .lit').textContent"
    assert page.run(lit % "transcript") == "c"
    assert page.run(lit % "source") == "gen()"


def test_text_of_the_model_looks_unlike_that_of_the_program(open_run: Any) -> None:
    page = open_run(branches())
    page.press("8")
    style = "getComputedStyle(document.querySelector('#transcript .said.it.%s')).color"
    assert page.run(style % "model") != page.run(style % "program")
    page.run("items.transcript.find((e) => e.textContent === '1234').id = 'here'")
    page.point("#here")
    assert page.run("document.querySelector('#source .lit').textContent") == "1234"


def test_a_run_of_2000_calls_stays_usable(open_run: Any) -> None:
    source = """prompt main():
    for i in 1..700:
        "{i}{a = gen()}"
        fork j in 1..2 as p:
            "x{b = gen()}"
"""
    page = open_run(traced(source, a=1, b=2))
    assert page.run("items.timeline.length") >= 1500
    took, lit = page.run("""(() => {
        const start = performance.now();
        items.timeline[900].focus();
        return [performance.now() - start, document.querySelectorAll("#timeline .lit").length];
    })()""")
    assert took < 10_000  # so slow that something is wrong, whatever the machine
    assert lit >= 1
    page.press("+")
    page.press("0")
    assert page.problems == []
