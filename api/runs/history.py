"""What the runs of a function have done so far: a trie of their ops, branched where they differ.

It only predicts. What is predicted is begun earlier (a constraint, a common beginning) or kept for
longer (the K/V behind a call that goes on); an op counts when the program really appends it. So a
wrong prediction costs time, and never changes a result.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sglc.runs.fragment import MODEL_OPS

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Loc
    from sglc.constraints.types import Type
    from sglc.runtime.executor.open_run import Cell

MAX_STEPS: Final = 2048
"""Steps of the trie of one function: what comes later is not recorded."""
_MAX_DEPTH: Final = 256
_MAX_TEXT: Final = 65_536
MAX_CHARS: Final = 1_000_000
"""Characters that the steps of one function keep: texts beyond count as texts that differ."""
_MAX_CONSTRAINTS: Final = 64
_MAX_VALUES: Final = 8
"""Values that were read at one place, beyond which the others are one branch."""
_LEAST_RUNS: Final = 2
_LEAST_CALLS: Final = 4
_MOSTLY: Final = 0.75
_LEAST_PREFIX: Final = 64
"""Characters below which a common beginning is not worth a request of its own, as in SGLang."""

Place = tuple[str, str, int]
"""An op, the file and the line it comes from; or ``read NAME``, the value, and 0."""
Said = tuple[Place, str | None]
"""A place, and the text or the role that was appended there, if it was no value."""


@dataclass(slots=True)
class Step:
    """An op of so many runs. ``text`` is what it appends, None where that differs."""

    count: int = 0
    text: str | None = None
    children: dict[Place, Step] = field(default_factory=dict)


class History:
    """The runs of one function. Any thread may add to it; what is lost by that is a count.

    ``num_prefixes``, ``num_constraints`` and ``num_holds`` say how often a prediction was acted on:
    a beginning computed ahead of a batch, a constraint built ahead, the K/V of a call kept for the
    next; ``num_resumed`` how often that call came.
    """

    def __init__(self) -> None:
        self.root = Step()
        self.num_steps = 0
        self.num_chars = 0
        self.num_prefixes = 0
        self.num_constraints = 0
        self.num_holds = 0
        self.num_resumed = 0
        self.is_quick: bool | None = None
        """Whether Python kept its thread for short times only, in the last batch; None: unknown."""
        self.constraints: list[tuple[Type, tuple[str, ...]]] = []
        """Types that texts had to be of, each with the stop texts of its call."""
        self._typed: set[Place] = set()
        self._calls: dict[Place, list[int]] = {}  # how many there were, and how many went on

    @property
    def num_runs(self) -> int:
        """Runs that were recorded."""
        return self.root.count

    def add(self, said: Iterable[Said]) -> None:
        """Take the ops of one run, in their order."""
        step = self.root
        step.count += 1
        for place, text in said:
            after = step.children.get(place)
            if after is None and not place[2] and len(step.children) >= _MAX_VALUES:
                place = (place[0], "…", 0)
                after = step.children.get(place)
            if after is None:
                if self.num_steps >= MAX_STEPS:
                    return
                self.num_steps += 1
                if text is not None and self.num_chars + len(text) > MAX_CHARS:
                    text = None
                self.num_chars += len(text or "")
                after = step.children[place] = Step(text=text)
            elif after.text is not None and after.text != text:
                self.num_chars -= len(after.text)
                after.text = None
            after.count += 1
            step = after

    def called(self, place: Place) -> None:
        """A model call was made there."""
        self._calls.setdefault(place, [0, 0])[0] += 1

    def went_on(self, place: Place, *, was_held: bool) -> None:
        """Another call goes on behind the one made there."""
        self._calls.setdefault(place, [0, 0])[1] += 1
        self.num_resumed += was_held

    def goes_on(self, place: Place) -> bool:
        """Whether the prompt behind a call will be gone on with by another, most likely."""
        count, more = self._calls.get(place, (0, 0))
        return count >= _LEAST_CALLS and more >= _MOSTLY * count

    def wants(self, place: Place, type_: Type, attrs: Iterable[tuple[str, Any]]) -> None:
        """A text had to be of this type. Of one place, the first type counts."""
        if place not in self._typed and len(self._typed) < _MAX_CONSTRAINTS:
            stop = next((value for name, value in attrs if name == "stop"), ())
            self._typed.add(place)
            self.constraints.append((type_, stop))

    def prefix(self) -> list[tuple[str, str]]:
        """Return what every run begins with: ops and what they append; nothing if it is short."""
        if self.num_runs < _LEAST_RUNS:
            return []
        found: list[tuple[str, str]] = []
        step = self.root
        while len(children := [*step.children.items()]) == 1:  # another thread may add to it
            ((place, after),) = children
            if after.count < self.num_runs or (place[0] != "stream" and after.text is None):
                break
            if after.text is not None:
                found.append((place[0], after.text))
            step = after
        return found if sum(len(text) for _, text in found) >= _LEAST_PREFIX else []

    def __str__(self) -> str:
        head = f"{self.num_runs} runs, {self.num_steps} steps"
        acted = (
            f"beginnings computed ahead: {self.num_prefixes}, constraints built ahead: "
            f"{self.num_constraints}, calls kept for the next: {self.num_holds}, "
            f"of which it came: {self.num_resumed}"
        )
        return "\n".join((head, acted, *self._lines(self.root, "")))

    __repr__ = __str__

    def _lines(self, step: Step, indent: str) -> Iterator[str]:
        stack = [(step, indent)]
        while stack:
            step, indent = stack.pop()
            children = [*step.children.items()]
            for place, after in children:
                share = f"{after.count}x"
                yield f"{indent}{share:>6} {_described(place, after.text)}"
                if len(children) == 1:
                    stack.append((after, indent))
                else:
                    yield from self._lines(after, indent + "  ")


class Trail:
    """What one run does, on its way into a history."""

    __slots__ = ("_behind", "_history", "_places", "_texts")

    def __init__(self, history: History) -> None:
        self._history = history
        self._places: list[Place] = []
        self._texts: list[str | None] = []
        self._behind: dict[Cell, list[Any]] = {}  # by version: the call before it, if held, if used

    def add(
        self,
        op: str,
        args: tuple[Any, ...],
        outputs: tuple[Cell, ...],
        attrs: tuple[tuple[str, Any], ...],
        type_: Type | None,
        loc: Loc | None,
    ) -> bool:
        """Take an op; return whether the K/V behind it is to be kept for the next call."""
        place = (op, "", 0) if loc is None else (op, loc.file, loc.line)
        text: str | None = None
        if op == "put" and args[1].__class__ is str and len(args[1]) <= _MAX_TEXT:
            text = args[1]
        elif op == "role.begin" or op == "role.end":
            text = attrs[0][1]
        if len(self._places) < _MAX_DEPTH:
            self._places.append(place)
            self._texts.append(text)
        before = self._behind.get(args[0]) if args else None
        if op not in MODEL_OPS:
            if before is not None and (op != "child" or len(args) == 1):
                self._behind[outputs[0]] = before
            return False
        history = self._history
        if before is not None and not before[2]:
            before[2] = True
            history.went_on(before[0], was_held=before[1])
        is_held = op == "gen" and history.goes_on(place)
        history.called(place)
        if type_ is not None:
            history.wants(place, type_, attrs)
        history.num_holds += is_held
        self._behind[outputs[0]] = [place, is_held, False]
        return is_held

    def read(self, name: str, value: object) -> None:
        """A value was read: what follows may depend on it."""
        if len(self._places) < _MAX_DEPTH:
            is_long = isinstance(value, str) and len(value) > 40
            is_shown = isinstance(value, str | int | bool) and not is_long
            shown = repr(value) if is_shown else ""
            shown = shown if 0 < len(shown) <= 40 else type(value).__name__
            self._places.append((f"read {name}", shown, 0))
            self._texts.append(None)

    def end(self) -> None:
        """The run has ended as it should."""
        self._history.add(zip(self._places, self._texts, strict=True))
        self._behind.clear()


def _described(place: Place, text: str | None) -> str:
    op, file, line = place
    if not line:
        return f"{op} = {file}" if file else op
    shown = "" if text is None else " " + (repr(text) if len(text) <= 40 else repr(text[:37]) + "…")
    return f"{op}{shown}  {os.path.basename(file)}:{line}"
