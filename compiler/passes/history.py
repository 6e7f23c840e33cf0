"""What earlier runs of a program have shown: which arms were taken, how long texts were.

Counts by places in the source, nothing of what was given or written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sglc.compiler.ir.op import Op
from sglc.compiler.plan.arms import place_name
from sglc.compiler.plan.plan import Loc

VERSION: Final = 1


class HistoryError(ValueError):
    """Data that should be a history is none; the message says what is wrong with it."""


class Lengths(NamedTuple):
    """How many texts were decoded at a place, and their tokens in all."""

    texts: int
    tokens: int


@dataclass(frozen=True, slots=True)
class History:
    """Counts of the runs of the program whose graph has this ``digest``.

    ``arms`` maps a place (``name.sgl:line:column``) to how often each arm was taken, by its name;
    ``lengths`` maps the places of decodes to what they wrote.
    """

    digest: str
    arms: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    lengths: Mapping[str, Lengths] = field(default_factory=dict)

    def with_arm(self, place: str, arm: str, count: int) -> History:
        """Return the history with an arm taken ``count`` times more."""
        known = self.arms.get(place, {})
        taken = {**known, arm: known.get(arm, 0) + count}
        return History(self.digest, {**self.arms, place: taken}, self.lengths)

    def with_texts(self, place: str, texts: int, tokens: int) -> History:
        """Return the history with more texts at a place."""
        known = self.lengths.get(place, Lengths(0, 0))
        added = Lengths(known.texts + texts, known.tokens + tokens)
        return History(self.digest, self.arms, {**self.lengths, place: added})

    def to_data(self) -> dict[str, Any]:
        """Return the counts as JSON-able data."""
        return {
            "version": VERSION,
            "program": self.digest,
            "arms": {place: dict(counts) for place, counts in self.arms.items()},
            "texts": {place: list(lengths) for place, lengths in self.lengths.items()},
        }


def from_data(data: Any) -> History:
    """Read what ``History.to_data`` has written.

    Raises:
        HistoryError: it is something else.
    """
    if not isinstance(data, Mapping):
        raise HistoryError("it is no object")
    if data.get("version") != VERSION:
        raise HistoryError(f"its version is {data.get('version')!r}, not {VERSION}")
    if data.keys() != {"version", "program", "arms", "texts"}:
        raise HistoryError("it has other keys than version, program, arms and texts")
    digest, arms, texts = data["program"], data["arms"], data["texts"]
    if not isinstance(digest, str):
        raise HistoryError("program must be a text")
    if not isinstance(arms, Mapping) or not isinstance(texts, Mapping):
        raise HistoryError("arms and texts must be objects")
    for place, counts in arms.items():
        if not isinstance(counts, Mapping) or not all(map(_is_count, counts.values())):
            raise HistoryError(f"arms: {place!r} must have counts by arm")
    for place, lengths in texts.items():
        if not isinstance(lengths, list) or len(lengths) != 2 or not all(map(_is_count, lengths)):
            raise HistoryError(f"texts: {place!r} must have two counts")
    return History(
        digest,
        {place: dict(counts) for place, counts in arms.items()},
        {place: Lengths(*lengths) for place, lengths in texts.items()},
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def place_of(op: Op) -> str:
    """Return how counts call the place of an op; the empty text if it has none."""
    place = op.span
    if place is None:
        return ""
    file = place.file if isinstance(place, Loc) else place.file.name
    return place_name(file, place.line, place.column)
