"""The prompt of a state while it grows: version by version, a part behind the other."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sglc.errors import StateError
from sglc.program.expressions import Expr, Gen, Media, Peek, RoleBegin, RoleEnd, Select
from sglc.program.gen_options import ATTRS, LOGPROBS, completed
from sglc.program.places import exact_loc
from sglc.program.turn import Turn
from sglc.program.variables import Variable, loader
from sglc.runs.staging import Staging
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Loc
    from sglc.program.places import Place

Named = tuple[str | None, Variable]
_NOTHING: Final[dict[Cell, Cell]] = {}


class Prompt:
    """What was appended to one state, staged in its run.

    ``stream`` is the latest of its ``versions``; of one that fails, the last good one counts.
    ``written`` has the value of a call by the version behind it, if the run is streamed. ``turn``
    is the message that is open, ``owner`` the thread that appends, once one has.
    """

    __slots__ = ("began", "owner", "staging", "stream", "turn", "versions", "written")

    def __init__(self, staging: Staging, stream: Cell | None = None) -> None:
        self.staging = staging
        self.stream = staging.emit("stream", ())[0] if stream is None else stream
        self.began = self.stream
        self.versions = [self.stream]
        self.written = {} if staging.is_streamed else _NOTHING
        self.turn = Turn()
        self.owner: int | None = None

    def append(self, part: Expr | str, place: Place | None) -> Named | None:
        """Append a part; return what it writes under a name, and the name.

        Raises:
            StateError: a message begins or ends where it cannot.
            NotSupportedError: the backend cannot make the call.
        """
        loc = None if place is None else place.loc
        match part:
            case str():
                self.turn.has_text = True
                self.step("put", (self.stream, part), (), loc)
            case Gen():
                return self._gen(part, exact_loc(part.place, place))
            case Peek(name, options):
                return self._peek(name, options, exact_loc(part.place, place))
            case Select(name, choices, method):
                loc = exact_loc(part.place, place)
                self._check(part, self.staging.options)
                attrs = (("by", method), ("name", name or ""))
                stream, value, _ = self.staging.emit(
                    "select", (self.stream, choices), 3, attrs, loc=loc
                )
                self.go_on(stream)
                return name, Variable(value, stream=stream)
            case RoleBegin(name):
                self.turn.begin(name, loc)
                self.step("role.begin", (self.stream,), (("role", name),), loc)
            case RoleEnd(name):
                self.turn.end(name)
                self.step("role.end", (self.stream,), (("role", name),), loc)
            case Media():
                from sglc.program.pictures import picture_of

                self.turn.has_text = True
                loc = exact_loc(part.place, place)
                self.step("media", (self.stream, picture_of(part)), (), loc)
            case _:
                raise TypeError(f"a prompt cannot be appended with {part!r}")
        return None

    def step(
        self, op: str, args: tuple[Any, ...], attrs: tuple[tuple[str, Any], ...], loc: Loc | None
    ) -> None:
        """Go on behind an op."""
        self.go_on(self.staging.emit(op, args, 1, attrs, loc=loc)[0])

    def go_on(self, stream: Cell) -> None:
        """Take a version as the latest."""
        self.stream = stream
        self.versions.append(stream)
        self.staging.poke()

    def _gen(self, part: Gen, loc: Loc | None) -> Named:
        staging = self.staging
        options, attrs = staging.options.of_call(
            part.name, part.options, staging.backend.seam, show=staging.is_streamed
        )  # what is not shown and has no name is not told of while it comes
        self._check(part, options)
        if options["n"] is not None:
            return self._samples(part, options["n"], attrs, loc)
        stream, value = staging.emit("gen", (self.stream,), 2, attrs, part.constraint, loc)
        if staging.is_streamed:
            self.written[stream] = value
        self.go_on(stream)
        return part.name, Variable(value, load=loader(part.python), stream=stream)

    def _check(self, part: Gen | Select, options: Mapping[str, Any]) -> None:
        backend = self.staging.backend
        backend.check(part, options, self.turn.role, has_text=self.turn.has_text)
        self.turn.has_text = True

    def _peek(self, name: str | None, given: Mapping[str, Any], loc: Loc | None) -> Named:
        options = completed(self.staging.options, given)
        attrs = [("name", name or ""), ("peek", True)]
        attrs += [(ATTRS[key], options[key]) for key in LOGPROBS if options[key] is not None]
        value = self.staging.emit("prefill", (self.stream,), 2, tuple(attrs), loc=loc)[1]
        return name, Variable(value)

    def _samples(
        self, part: Gen, count: int, attrs: tuple[tuple[str, Any], ...], loc: Loc | None
    ) -> Named:
        """Let the model write from here ``count`` times; the first text is the one that stays."""
        emit, before = self.staging.emit, self.stream
        starts = [emit("child", (before, i), loc=loc)[0] for i in range(count)]
        made = [emit("gen", (start,), 2, attrs, part.constraint, loc) for start in starts]
        (text,) = emit("slice", (starts[0], made[0][0]), loc=loc)
        self.go_on(emit("child", (before,), loc=loc)[0])
        self.step("put", (self.stream, text), (), loc)
        if self.staging.is_streamed:
            self.written[self.stream] = made[0][1]
        items = [Variable(value, load=loader(part.python)) for _, value in made]
        return part.name, Variable(items=items)

    def claim(self) -> None:
        """Appending is for one thread, and for as long as the program runs.

        Raises:
            StateError: another thread has appended before, or the program has ended.
        """
        if self.staging.is_over:
            raise StateError(
                "the run of this state has ended: append inside of the program, or give its text "
                "to another run"
            )
        me = threading.get_ident()
        if self.owner is None:
            self.owner = me
        elif self.owner != me:
            raise StateError(
                "a state is appended from two threads: give each thread a fork of its own"
            )

    def slice(self, start: Cell, end: Cell, loc: Loc | None) -> Cell:
        """Return the text between two versions.

        In SGLang's way of building prompts it has what stands around messages: all of it is text.
        """
        attrs = (("marked", True),) if self.staging.backend.seam == "canonical" else ()
        return self.staging.emit("slice", (start, end), 1, attrs, loc=loc)[0]
