"""The state of a prompt program: what ``s`` is inside a function, and what a run returns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from sglc.errors import RunFailed, StateError
from sglc.program.expressions import RoleBegin, RoleEnd, parts, role
from sglc.program.places import caller_loc, caller_place
from sglc.program.prompt import Prompt
from sglc.program.streaming import Followed
from sglc.program.variables import Variable, value_of
from sglc.runs.staging import Staging
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    import asyncio

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
        self._prompt = Prompt(staging, stream)
        self._variables: dict[str, Variable] = {}
        self._error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None
        """What runs the program, if asyncio does and nobody waits for its end."""
        self.ret_value: Any = None
        """What the function returned."""

    # Appending

    def __iadd__(self, other: object) -> ProgramState:
        place, prompt = caller_place(), self._prompt
        prompt.claim()
        for part in parts(other):
            named = prompt.append(part, place)
            if named is not None:
                self._name(*named)
        return self

    def _name(self, name: str | None, variable: Variable) -> None:
        if name is not None:
            self._variables[name] = variable
            self._staging.poke()

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
        own = self._prompt
        own.claim()
        if own.turn.role is not None and prompt.begins_messages:
            raise StateError(
                f"`{prompt.__name__}` begins messages, which cannot be inside of one of the "
                f"{own.turn.role}"
            )
        stream, value = prompt.include_in(self._staging, own.stream, args, kwargs, caller_loc())
        own.go_on(stream)
        self._name(prompt.__name__, Variable(value, load=prompt.loaded_value))

    # Roles

    def system(self, content: object = ...) -> Any:
        """Append a message of the system; without content, ``with s.system():`` its block."""
        return self._message("system", content)

    def user(self, content: object = ...) -> Any:
        """Append a message of the user; without content, ``with s.user():`` its block."""
        return self._message("user", content)

    def assistant(self, content: object = ...) -> Any:
        """Append a message of the assistant; without content, ``with s.assistant():`` its block."""
        return self._message("assistant", content)

    def _message(self, name: str, content: object) -> Any:
        if content is ...:
            return self._block(name)
        self.__iadd__(role(name, content))
        return self

    @contextmanager
    def _block(self, name: str) -> Iterator[ProgramState]:
        self.__iadd__(RoleBegin(name))
        try:
            yield self
        except BaseException:
            if self._prompt.turn.role == name:  # who catches it goes on behind the message
                self.__iadd__(RoleEnd(name))
            raise
        self.__iadd__(RoleEnd(name))

    @contextmanager
    def var_scope(self, name: str) -> Iterator[ProgramState]:
        """Call the text that the block appends ``s[name]``."""
        prompt = self._prompt
        before = prompt.stream
        yield self
        self._name(name, Variable(prompt.slice(before, prompt.stream, caller_loc())))

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
        prompt, emit, loc = self._prompt, self._staging.emit, caller_loc()
        prompt.claim()
        before = prompt.stream
        children = [self._child(emit("child", (before, i), loc=loc)[0]) for i in range(size)]
        prompt.step("child", (before,), (), loc)
        return ForkGroup(self, children)

    def _child(self, stream: Cell) -> ProgramState:
        child = ProgramState(self._staging, stream)
        child._variables = dict(self._variables)
        child._prompt.turn = self._prompt.turn.copy()
        self._staging.forks.add(child)
        return child

    def take_forks(self, children: Sequence[ProgramState], *, appends: bool) -> None:
        """Take what forks of this state have named, or, if it ``appends``, their texts."""
        prompt, loc = self._prompt, caller_loc()
        prompt.claim()
        if appends:
            for child in children:
                text = prompt.slice(child._prompt.began, child._prompt.stream, loc)
                prompt.step("put", (prompt.stream, text), (), loc)
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
            version: Stream = value_of(self._staging, self._prompt.stream, "the text")
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
        prompt = self._prompt
        return Followed(self, self._staging, prompt.versions, prompt.written, prompt.owner)

    @property
    def stream_done(self) -> bool:
        """Whether all text is there that will be, of this state."""
        return self._staging.is_ended and self._prompt.stream.done

    def sync(self) -> ProgramState:
        """Wait until all that was appended is there, or has failed."""
        self._staging.cut()
        self._staging.waiter.wait(self._prompt.stream)
        return self

    def error(self) -> BaseException | None:
        """Return why the state cannot go on, once all that was appended is done; else None."""
        self.sync()
        return self.fault

    @property
    def fault(self) -> BaseException | None:
        """Why the state cannot go on, as far as that is known now; else None."""
        if self._error is not None or self._prompt.stream.error is None:
            return self._error
        return RunFailed(self._prompt.stream.error)

    @property
    def latest(self) -> Stream | None:
        """The latest version of the prompt that is there now; None if there is none so far."""
        there = (c.value for c in reversed(self._prompt.versions) if c.done and c.error is None)
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
        prompt = self._prompt
        prompt.versions = list(versions)
        prompt.began, prompt.stream = versions[0], versions[-1]
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
        for cell in (*self._prompt.versions, *cells):
            if cell is not None:
                cell.fail(error)

    @property
    def stream(self) -> Cell:
        """The prompt as it is now: the cell of its latest version."""
        return self._prompt.stream

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
        done = "done" if self._prompt.stream.done else "running"
        return f"<ProgramState {done}, variables: {', '.join(self._variables) or 'none'}>"

    def _repr_html_(self) -> str:
        from sglc.views.display import state_html

        return state_html(self)
