"""The state of a prompt program: what ``s`` is inside a function, and what a run returns."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from sglc.errors import RunFailed, StateError
from sglc.program.expressions import Expr, Gen, Media, Peek, RoleBegin, RoleEnd, Select, parts, role
from sglc.program.gen_options import ATTRS, LOGPROBS, completed
from sglc.program.places import Place, caller_loc, caller_place
from sglc.program.streaming import Followed
from sglc.program.turn import Turn
from sglc.program.variables import Variable, loader, value_of
from sglc.runs.staging import Staging
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    import asyncio

    from sglc.compiler.plan.plan import Loc
    from sglc.files.loaded import LoadedPrompt
    from sglc.program.forks import ForkGroup
    from sglc.runtime.executor.errors import RunError
    from sglc.runtime.executor.stream import Stream


class ProgramState:
    """One prompt that grows. Appending never waits; reading waits for what is read.

    Only one thread at a time may append to a state; its forks may each have one of their own.
    """

    def __init__(self, staging: Staging, stream: Cell | None = None) -> None:
        self._staging = staging
        self._stream = staging.emit("stream", ())[0] if stream is None else stream
        self._began = self._stream
        self._versions = [self._stream]  # all of them: of a state that fails, the last good one
        self._written: dict[Cell, Cell] = {}  # the value behind which a version is, if streamed
        self._variables: dict[str, Variable] = {}
        self._turn = Turn()
        self._owner: int | None = None
        self._error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None
        """What runs the program, if asyncio does and nobody waits for its end."""
        self.ret_value: Any = None
        """What the function returned."""

    # Appending

    def __iadd__(self, other: object) -> ProgramState:
        place = caller_place()
        self._claim()
        for part in parts(other):
            self._append(part, place)
        return self

    def _append(self, part: Expr | str, place: Place | None) -> None:
        loc = None if place is None else place.loc
        match part:
            case str():
                self._turn.has_text = True
                self._step("put", (self._stream, part), (), loc)
            case Gen():
                self._gen(part, _exact(part, place))
            case Peek(name, options):
                self._peek(name, options, _exact(part, place))
            case Select(name, choices, method):
                loc = _exact(part, place)
                self._check(part, self._staging.options)
                attrs = (("by", method), ("name", name or ""))
                stream, value, _ = self._staging.emit(
                    "select", (self._stream, choices), 3, attrs, loc=loc
                )
                self._go_on(stream)
                self._name(name, Variable(value, stream=stream))
            case RoleBegin(name):
                self._turn.begin(name, loc)
                self._step("role.begin", (self._stream,), (("role", name),), loc)
            case RoleEnd(name):
                self._turn.end(name)
                self._step("role.end", (self._stream,), (("role", name),), loc)
            case Media():
                from sglc.program.pictures import picture_of

                self._turn.has_text = True
                loc = _exact(part, place)
                self._step("media", (self._stream, picture_of(part)), (), loc)
            case _:
                raise TypeError(f"a prompt cannot be appended with {part!r}")

    def _step(
        self, op: str, args: tuple[Any, ...], attrs: tuple[tuple[str, Any], ...], loc: Loc | None
    ) -> None:
        self._go_on(self._staging.emit(op, args, 1, attrs, loc=loc)[0])

    def _go_on(self, stream: Cell) -> None:
        self._stream = stream
        self._versions.append(stream)
        self._staging.poke()

    def _gen(self, part: Gen, loc: Loc | None) -> None:
        staging = self._staging
        options, attrs = staging.options.of_call(
            part.name, part.options, staging.backend.seam, show=staging.is_streamed
        )  # what is not shown and has no name is not told of while it comes
        self._check(part, options)
        if options["n"] is not None:
            self._samples(part, options["n"], attrs, loc)
            return
        stream, value = staging.emit("gen", (self._stream,), 2, attrs, part.constraint, loc)
        if staging.is_streamed:
            self._written[stream] = value
        self._go_on(stream)
        self._name(part.name, Variable(value, load=loader(part.python), stream=stream))

    def _check(self, part: Gen | Select, options: Mapping[str, Any]) -> None:
        backend = self._staging.backend
        backend.check(part, options, self._turn.role, has_text=self._turn.has_text)
        self._turn.has_text = True

    def _peek(self, name: str | None, given: Mapping[str, Any], loc: Loc | None) -> None:
        options = completed(self._staging.options, given)
        attrs = [("name", name or ""), ("peek", True)]
        attrs += [(ATTRS[key], options[key]) for key in LOGPROBS if options[key] is not None]
        value = self._staging.emit("prefill", (self._stream,), 2, tuple(attrs), loc=loc)[1]
        self._name(name, Variable(value))

    def _samples(
        self, part: Gen, count: int, attrs: tuple[tuple[str, Any], ...], loc: Loc | None
    ) -> None:
        """Let the model write from here ``count`` times; the first text is the one that stays."""
        emit, before = self._staging.emit, self._stream
        starts = [emit("child", (before, i), loc=loc)[0] for i in range(count)]
        made = [emit("gen", (start,), 2, attrs, part.constraint, loc) for start in starts]
        (text,) = emit("slice", (starts[0], made[0][0]), loc=loc)
        self._go_on(emit("child", (before,), loc=loc)[0])
        self._step("put", (self._stream, text), (), loc)
        if self._staging.is_streamed:
            self._written[self._stream] = made[0][1]
        items = [Variable(value, load=loader(part.python)) for _, value in made]
        self._name(part.name, Variable(items=items))

    def _name(self, name: str | None, variable: Variable) -> None:
        if name is not None:
            self._variables[name] = variable
            self._staging.poke()

    def _claim(self) -> None:
        """Appending is for one thread, and for as long as the program runs.

        Raises:
            StateError: another thread has appended before, or the program has ended.
        """
        if self._staging.is_over:
            raise StateError(
                "the run of this state has ended: append inside of the program, or give its text "
                "to another run"
            )
        me = threading.get_ident()
        if self._owner is None:
            self._owner = me
        elif self._owner != me:
            raise StateError(
                "a state is appended from two threads: give each thread a fork of its own"
            )

    def include(self, prompt: LoadedPrompt, /, *args: Any, **kwargs: Any) -> None:
        """Say the text of a prompt from a file here; its value is ``s[name of the prompt]``.

        Nothing waits. The options of its model calls are those of the file.

        Raises:
            TypeError: it is no such prompt, or an argument is missing, unknown or given twice.
            ArgumentError: an argument is of another type.
            StateError: a message is open, and the prompt begins others.
        """
        from sglc.files.loaded import LoadedPrompt

        if not isinstance(prompt, LoadedPrompt):
            raise TypeError(f"include takes a prompt of sglc.load(…), not {prompt!r}")
        self._claim()
        if self._turn.role is not None and prompt.begins_messages:
            raise StateError(
                f"`{prompt.__name__}` begins messages, which cannot be inside of one of the "
                f"{self._turn.role}"
            )
        stream, value = prompt.include_in(self._staging, self._stream, args, kwargs, caller_loc())
        self._go_on(stream)
        self._name(prompt.__name__, Variable(value, load=prompt.loaded_value))

    # Roles

    def system(self, content: object = None) -> Any:
        """Append a message of the system; without content, ``with s.system():`` its block."""
        return self._message("system", content)

    def user(self, content: object = None) -> Any:
        """Append a message of the user; without content, ``with s.user():`` its block."""
        return self._message("user", content)

    def assistant(self, content: object = None) -> Any:
        """Append a message of the assistant; without content, ``with s.assistant():`` its block."""
        return self._message("assistant", content)

    def _message(self, name: str, content: object) -> Any:
        if content is None:
            return self._block(name)
        self.__iadd__(role(name, content))
        return self

    @contextmanager
    def _block(self, name: str) -> Iterator[ProgramState]:
        self.__iadd__(RoleBegin(name))
        try:
            yield self
        except BaseException:
            if self._turn.role == name:  # who catches it goes on behind the message
                self.__iadd__(RoleEnd(name))
            raise
        self.__iadd__(RoleEnd(name))

    @contextmanager
    def var_scope(self, name: str) -> Iterator[ProgramState]:
        """Call the text that the block appends ``s[name]``."""
        before = self._stream
        yield self
        self._name(name, Variable(self._slice(before, self._stream, caller_loc())))

    def _slice(self, start: Cell, end: Cell, loc: Loc | None) -> Cell:
        """Return the text between two versions; with what stands around messages in SGLang's way
        of building prompts, where all of it is text."""
        attrs = (("marked", True),) if self._staging.backend.seam == "canonical" else ()
        return self._staging.emit("slice", (start, end), 1, attrs, loc=loc)[0]

    # Forks

    def fork(self, size: int = 1, position_ids_offset: list[int] | None = None) -> ForkGroup:
        """Return ``size`` states that go on from here, each by itself.

        Raises:
            ValueError: ``size`` is below 1, or positions are to be moved.
        """
        from sglc.program.forks import ForkGroup

        if position_ids_offset is not None:
            raise ValueError("position_ids_offset cannot be given: positions follow the text")
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"fork needs a number of at least 1, not {size!r}")
        self._claim()
        loc = caller_loc()
        emit = self._staging.emit
        children = [self._child(emit("child", (self._stream, i), loc=loc)[0]) for i in range(size)]
        self._go_on(emit("child", (self._stream,), loc=loc)[0])
        return ForkGroup(self, children)

    def _child(self, stream: Cell) -> ProgramState:
        child = ProgramState(self._staging, stream)
        child._variables = dict(self._variables)
        child._turn = self._turn.copy()
        self._staging.forks.add(child)
        return child

    def take_forks(self, children: Sequence[ProgramState], *, appends: bool) -> None:
        """Take what forks of this state have named, or, if it ``appends``, their texts."""
        self._claim()
        loc = caller_loc()
        if appends:
            for child in children:
                text = self._slice(child._began, child._stream, loc)
                self._step("put", (self._stream, text), (), loc)
            return
        names = dict.fromkeys(name for child in children for name in child._variables)
        for name in names:
            if name not in self._variables:
                found = [child._variables[name] for child in children if name in child._variables]
                self._variables[name] = Variable(items=found)

    @contextmanager
    def copy(self, size: int = 1) -> Iterator[ForkGroup | ProgramState]:
        """Let the block go on from here by itself; its variables come back when it ends."""
        group = self.fork(size)
        yield group if size > 1 else group[0]
        group.join()

    # Reading

    def __getitem__(self, name: str) -> Any:
        return self.get_var(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set_var(name, value)

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def get_var(self, name: str) -> Any:
        """Return the value of a variable, once it is there.

        Raises:
            KeyError: there is no such variable; the message names those that there are.
            RunFailed: it will never be there.
        """
        value = self._variable(name).value_in(self._staging, name)
        self._staging.note_read(name, value)
        return value

    def set_var(self, name: str, value: Any) -> None:
        """Give a variable a value."""
        self._name(name, Variable(value=value))

    def get_meta_info(self, name: str) -> Any:
        """Return what is known of a model call beside its text, once it is there.

        A dict, by the names of SGLang's ``meta_info``; of several texts, or of what forks have
        written, a list of them.

        Raises:
            KeyError: there is no such variable, or no model call has written it.
            RunFailed: it will never be there.
        """
        return self._variable(name).meta_in(self._staging, name)

    def text(self, *, partial: bool = False) -> str:
        """Return the whole prompt, once all of it is there; if ``partial``, what there is of it.

        Raises:
            RunFailed: a part of it will never be there, and it may not be ``partial``.
        """
        version = self._version(partial=partial)
        return "" if version is None else str(version.text)

    def messages(self, *, partial: bool = False) -> list[dict[str, Any]]:
        """Return ``{role, content}`` of every message, once all of it is there.

        Raises:
            RunFailed: a part of it will never be there, and it may not be ``partial``.
        """
        version = self._version(partial=partial)
        return [] if version is None else self._staging.backend.messages_of(version)

    def _version(self, *, partial: bool) -> Stream | None:
        """Return the prompt, once it is there, or the latest version of it that is.

        None if nothing has begun, and ``partial`` is enough.
        """
        if not partial:
            version: Stream = value_of(self._staging, self._stream, "the text")
            return version
        self.sync()
        return self.latest

    def text_iter(self, var_name: str | None = None) -> Iterator[str]:
        """Yield the text as it comes, or that of one variable; joined it is ``text()``.

        Of a run with ``stream=True`` pieces come as the model writes them, else whole texts. Inside
        of the program itself, the whole text ends with what was appended so far. What a variable
        is when it is first there counts.

        Raises:
            KeyError: the run has ended, and has no such variable.
            StateError: the variable is a list.
            RunFailed: a part of it will never be there.
            Exception: what the program has raised.
        """
        return self._followed().text_pieces(var_name)

    def text_async_iter(
        self, var_name: str | None = None, return_meta_data: bool = False
    ) -> AsyncIterator[Any]:
        """``text_iter`` under asyncio. With ``return_meta_data``, pairs of a piece and what is
        known of the call: nothing but for the last piece.

        Raises:
            ValueError: meta data is asked for, but not of which variable.
        """
        if return_meta_data and var_name is None:
            raise ValueError("return_meta_data goes with the name of a variable")
        followed = self._followed()
        if var_name is None or not return_meta_data:
            return followed.async_text_pieces(var_name)
        return followed.async_pieces_with_meta(var_name)

    def _followed(self) -> Followed:
        return Followed(self, self._staging, self._versions, self._written, self._owner)

    @property
    def stream_done(self) -> bool:
        """Whether all text is there that will be, of this state."""
        return self._staging.is_ended and self._stream.done

    def sync(self) -> ProgramState:
        """Wait until all that was appended is there, or has failed."""
        self._staging.cut()
        self._staging.waiter.wait(self._stream)
        return self

    def error(self) -> BaseException | None:
        """Return why the state cannot go on, once all that was appended is done; else None."""
        self.sync()
        return self.fault

    @property
    def fault(self) -> BaseException | None:
        """Why the state cannot go on, as far as that is known now; else None."""
        if self._error is not None or self._stream.error is None:
            return self._error
        return RunFailed(self._stream.error)

    @property
    def latest(self) -> Stream | None:
        """The latest version of the prompt that is there now; None if there is none so far."""
        there = (c.value for c in reversed(self._versions) if c.done and c.error is None)
        return next(there, None)

    def raise_error(self) -> None:
        """Raise what the program has raised, if it has."""
        if self._error is not None:
            raise self._error

    @property
    def staging(self) -> Staging:
        """The run that the state is of."""
        return self._staging

    def become(self, versions: Sequence[Cell], variables: Mapping[str, Variable]) -> None:
        """Be the state that a function leaves which runs as one graph."""
        self._versions = list(versions)
        self._began, self._stream = versions[0], versions[-1]
        self._variables = dict(variables)

    def end(self) -> None:
        """The program has ended: what was appended is done, nothing more can be."""
        self._staging.end()

    def fail(self, error: BaseException) -> None:
        """The program has raised ``error``: what is not done is stopped."""
        self._error = self._staging.raised = error
        self._staging.cancel()

    def cancel(self) -> None:
        """Stop everything of the run that is not done; what is there can still be read."""
        self._staging.cancel()

    def give_up(self, error: RunError) -> None:
        """Nothing that is not there will be: of a program that was cut off anywhere."""
        cells = [variable.cell for variable in self._variables.values()]
        for cell in (*self._versions, *cells):
            if cell is not None:
                cell.fail(error)

    @property
    def stream(self) -> Cell:
        """The prompt as it is now: the cell of its latest version."""
        return self._stream

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The variables that have a name so far."""
        return self._variables

    def _variable(self, name: str) -> Variable:
        if name in self._variables:
            return self._variables[name]
        self.raise_error()
        known = ", ".join(map(repr, self._variables)) or "none"
        hint = ""
        if any(name in each._variables for each in self._staging.forks):
            hint = "; a fork has it: read it there, or forks.join() before"
        raise KeyError(f"there is no variable {name!r} here; there are: {known}{hint}")

    __iter__: ClassVar[None] = None  # else reading by name would make it a sequence

    def __add__(self, other: object) -> NoReturn:
        raise TypeError("a state and a prompt make no third: append with `s += …`")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "a state cannot be copied or pickled: s.fork() and s.copy() go on from it, and "
            "s.text(), s.messages() and s[name] are plain values"
        )

    def __repr__(self) -> str:
        done = "done" if self._stream.done else "running"
        return f"<ProgramState {done}, variables: {', '.join(self._variables) or 'none'}>"

    def _repr_html_(self) -> str:
        from sglc.views.display import state_html

        return state_html(self)


def _exact(call: Gen | Peek | Select | Media, place: Place | None) -> Loc | None:
    """The place of a word: its own, if it was made in the function that appends it."""
    if place is None:
        return None
    own = call.place
    return own.loc if own is not None and own.function == place.function else place.loc
