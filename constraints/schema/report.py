"""What became of every keyword of a schema."""

from __future__ import annotations

from typing import Literal, NamedTuple

from sglc.constraints.schema import keywords
from sglc.constraints.schema.formats import NOTES
from sglc.constraints.schema.resources import Subschema
from sglc.constraints.schema.texts import Texts

Status = Literal["enforced", "checked", "annotation"]


class Entry(NamedTuple):
    """A keyword: where it is, what is done about it, and why if that is not plain."""

    pointer: str
    keyword: str
    status: Status
    note: str = ""


class Report(NamedTuple):
    """All keywords of the subschemas that were used; ``checked``: those left to ``check``."""

    entries: tuple[Entry, ...]

    @property
    def checked(self) -> tuple[Entry, ...]:
        """What is not in the language, but checked after generation."""
        return tuple(entry for entry in self.entries if entry.status == "checked")

    def __str__(self) -> str:
        lines = []
        for pointer, keyword, status, note in self.entries:
            lines.append(f"{status:10} {pointer}/{keyword}" + (f": {note}" if note else ""))
        return "\n".join(lines)


def entries_of(sub: Subschema, texts: Texts, checked: dict[str, str]) -> list[Entry]:
    """The entries of one subschema. ``checked``: notes by pointer of what is left to check."""
    if not isinstance(sub.raw, dict):
        return []
    return [
        Entry(sub.pointer, word, *_fate(sub, word, texts, checked))
        for word in sub.raw
        if word not in keywords.STRUCTURE
    ]


def _fate(sub: Subschema, word: str, texts: Texts, checked: dict[str, str]) -> tuple[Status, str]:
    if word not in sub.keywords:
        if sub.draft == "7" and "$ref" in sub.raw and word in keywords.ASSERTIONS["7"]:
            return "annotation", "draft 7 ignores what is beside `$ref`"
        if word in keywords.ANNOTATIONS:
            return "annotation", ""
        return "annotation", f"no keyword of draft {sub.draft}"
    if sub.at(word) in checked:
        return "checked", checked[sub.at(word)]
    if word == "format":
        name = sub.raw[word]
        if texts.enforces(name):
            return "enforced", NOTES[name]
        return "annotation", "formats are annotations here"
    needed = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
    if word in needed and needed[word] not in sub.raw:
        return "annotation", f"says nothing without `{needed[word]}`"
    if word == "additionalItems" and not isinstance(sub.raw.get("items"), list):
        return "annotation", "says nothing without an array of `items`"
    return "enforced", ""
