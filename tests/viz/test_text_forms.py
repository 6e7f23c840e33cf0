"""The trees, Graphviz and Mermaid texts of small programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from generators.view_programs import EXAMPLES, LOOP, TIPS, read, staged

from sglc.compiler.passes.pipeline import level
from sglc.compiler.source import SourceFile
from sglc.viz.atlas import Atlas
from sglc.viz.dot import dot_text
from sglc.viz.mermaid import mermaid_text
from sglc.viz.tree import tree_text

GOLDEN = Path(__file__).parents[1] / "golden" / "viz"
Make = Callable[..., Atlas]
Golden = Callable[[Path, str], None]
FORMS: dict[str, Callable[[Atlas], str]] = {
    "tree.txt": tree_text,
    "dot": dot_text,
    "mmd": mermaid_text,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "source"), [("tips", TIPS), ("loop", LOOP)])
def test_text_forms(name: str, source: str, form: str, atlas_of: Make, golden: Golden) -> None:
    golden(GOLDEN / f"{name}.{form}", FORMS[form](atlas_of(source)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_text_forms_of_every_example_behind_all_passes(path: Path) -> None:
    _, stages = staged(read(path), str(level(2)))
    module = stages[-1].module
    atlas = Atlas(module, [name for name, f in module.functions.items() if f.kind == "prompt"])
    tree = tree_text(atlas, color=True)
    nodes = dot_text(atlas), mermaid_text(atlas)
    for number in atlas.numbers.values():
        assert all(re.search(rf"^\s+o{number}\b", text, re.MULTILINE) for text in nodes)
    assert re.sub(r"\x1b\[[\d;]*m", "", tree) == tree_text(atlas)


def test_a_held_call_says_so() -> None:
    _, stages = staged(SourceFile("p.sgl", LOOP), "script")
    module = stages[-1].module
    atlas = Atlas(module, ["look"])
    assert all("held" in form(atlas) for form in FORMS.values())


def test_colours_change_nothing_but_colours(atlas_of: Make) -> None:
    atlas = atlas_of(TIPS)
    plain, coloured = tree_text(atlas), tree_text(atlas, color=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


@pytest.mark.parametrize("form", ["dot", "mmd"])
def test_every_op_is_a_node_and_edges_lead_between_nodes(form: str, atlas_of: Make) -> None:
    atlas = atlas_of(LOOP)
    text = FORMS[form](atlas)
    node = r"^\s+(\w+)(?: \[label=|\(\[\"|\[\"|\{\{\"|\(\")"
    names = set(re.findall(node, text, re.MULTILINE))
    assert {f"o{number}" for number in atlas.numbers.values()} <= names
    ends = re.findall(r"^  (\w+) (?:->|==>|-->|-\.->) (\w+)", text, re.MULTILINE)
    assert ends
    assert {end for pair in ends for end in pair} <= names


def test_quotes_and_tags_cannot_leave_a_label(atlas_of: Make) -> None:
    atlas = atlas_of('prompt p():\n    "say \\"hi\\" <b>\\\\ now"\n')
    assert r"\"hi" in dot_text(atlas)
    assert "<b>" not in mermaid_text(atlas)
