"""The table of what servers can do, and its copy in the documentation."""

from __future__ import annotations

from pathlib import Path

from sglc.runtime.remote.table import capability_table, kinds

DOCS = Path(__file__).parents[3] / "docs" / "python.md"


def test_the_documentation_shows_the_table() -> None:
    assert capability_table() in DOCS.read_text(encoding="utf-8"), capability_table()


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [each.name for each in kinds()]
    assert len(set(names)) == len(names) >= 16
