"""The page: one file, nothing outside of it, and places that lead back to the source."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from generators.view_programs import EXAMPLES, TIPS, long_program, read

from sglc.viz.atlas import Atlas
from sglc.viz.page import page_data, render_page

Make = Callable[..., Atlas]


def embedded(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_has_a_page_that_needs_nothing_else(path: Path, atlas_of: Make) -> None:
    data = page_data(atlas_of(read(path)), path.name)
    page = render_page(data)
    assert embedded(page) == json.loads(json.dumps(data))
    frame = page.replace(json.dumps(data, ensure_ascii=False, separators=(",", ":")), "")
    references = re.findall(r"(?:src|href|url|import)\s*[=(]\s*[\"']?([^\"')\s>]+)", frame)
    assert {r for r in references if not r.startswith(("#", "data:,"))} == set()
    assert set(re.findall(r"https?://[^\"]+", frame)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_places_lead_back_to_the_source(path: Path, atlas_of: Make) -> None:
    atlas = atlas_of(read(path))
    files = page_data(atlas, path.name)["files"]
    assert len(files) == len(atlas.files)
    pieces: dict[str, str] = {}
    for file, shown in zip(atlas.files, files, strict=True):
        assert "\n".join("".join(t for t, _ in line) for line in shown["lines"]) == file.text
        for line in shown["lines"]:
            for text, keys in line:
                for key in keys:
                    pieces[key] = pieces.get(key, "") + text
    for place in atlas.places:
        text = atlas.files[place.file].text[place.start : place.end]
        assert pieces[place.key] == text.replace("\n", "")
    for op in atlas.numbers:
        assert op.span is None or atlas.key(op) in pieces


def test_the_smallest_place_comes_first(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    sizes = {place.key: place.end - place.start for place in atlas.places}
    for line in page_data(atlas, "tips")["files"][0]["lines"]:
        for _, keys in line:
            assert [sizes[key] for key in keys] == sorted(sizes[key] for key in keys)


def test_a_program_cannot_leave_the_data(atlas_of: Make) -> None:
    source = 'prompt p():\n    "</script><script>alert(1)</script><!-- {{script}} {{data}}"\n'
    page = render_page(page_data(atlas_of(source), "</title>"))
    assert "alert(1)" in page
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "</title>&" not in page
    assert page.count("</title>") == 1


def test_constraints_show_their_members_and_users(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    data = page_data(atlas, "tips")
    by_type = {machine["type"]: machine for machine in data["machines"]}
    score = by_type["int(lo = 1, hi = 10)"]
    assert (score["shortest"], score["longest"]) == ("1", "10")
    assert by_type["line"]["longest"] is None
    (user,) = score["ids"]
    assert set(data["ops"][user]["keys"]) <= set(score["keys"])
    assert "gen" in data["ops"][user]["line"]


def test_only_what_is_asked_for_and_what_it_calls(atlas_of: Make) -> None:
    source = (
        "fn short(s: str) -> str = s[:3]\n\nfn unused(s: str) -> str = s\n\n"
        'prompt inner():\n    "x"\n\nprompt outer(t: str):\n    "{short(t)}"\n    include inner()\n'
    )
    module = atlas_of(source).module
    assert [f.name for f in Atlas(module, ["outer"]).functions] == ["outer", "short", "inner"]
    assert [f.name for f in Atlas(module, ["inner"]).functions] == ["inner"]


def test_a_program_of_2000_ops_has_a_page_of_bounded_size(atlas_of: Make) -> None:
    atlas = atlas_of(long_program(400))
    assert len(atlas.numbers) > 2000
    page = render_page(page_data(atlas, "long"))
    assert len(page) < 1200 * len(atlas.numbers)
