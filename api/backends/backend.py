"""What programs run on: an executor in a thread of its own, behind one object."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NoReturn, TypeVar

from sglc.errors import NoBackendError, needs_extra
from sglc.runs.fragment import Fragments

if TYPE_CHECKING:
    from sglc.program.expressions import Gen, Select
    from sglc.runs.history import History
    from sglc.runtime.background import BackgroundHost
    from sglc.runtime.executor.executor import Executor
    from sglc.runtime.executor.stream import Encoder, Stream
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate

Seam = Literal["canonical", "repair"]
Ahead = Literal["held", "cached", "nothing"]
Made = tuple["Executor", "Encoder"]
Answer = TypeVar("Answer")
_LOOKS_EVERY_S: Final = 0.1  # whether the thread that is to answer is still there


class Backend:
    """Runs programs. ``make`` is called once, in the thread that the executor will live in.

    ``seam`` says how the token ids behind a generation are made: ``repair`` keeps those that the
    model wrote, ``canonical`` tokenizes the whole text again, as SGLang does. ``window`` is how
    many rows of a batch it has use for at once. ``let_go`` is called in that thread when it ends;
    it must not hold the backend, which else would never be garbage.

    ``ahead`` is what becomes of a beginning before the runs that have it: it is computed and held
    for them, computed and left to the cache, or nothing, since computing it would be in vain.
    """

    def __init__(
        self,
        make: Callable[[threading.Event], Made],
        *,
        name: str,
        seam: Seam = "repair",
        window: int = 128,
        let_go: Callable[[], None] | None = None,
    ) -> None:
        from sglc.runtime.background import BackgroundHost

        self.name = name
        self.window = window
        self.seam: Seam = seam
        self.fragments = Fragments()
        self._ahead: weakref.WeakKeyDictionary[History, int] = weakref.WeakKeyDictionary()

        def made(wake: threading.Event) -> Executor:
            with needs_extra(self.extra):
                executor, self.encoder = make(wake)
            return executor

        self._template: FrontendTemplate | None = None
        self.host: BackgroundHost = BackgroundHost(made, name=f"sglc {name}", on_close=let_go)
        weakref.finalize(self, self.host.end_soon)  # one that nobody has any more holds no model

    encoder: Encoder
    ahead: Ahead = "held"
    extra: ClassVar[str] = "local"
    """The extra of the package that has what it imports."""

    @property
    def runs_graphs(self) -> bool:
        """Whether functions may run as graphs: not where their calls are taken down one by one."""
        return not self.host.executor.has_listener

    def ask(self, action: Callable[[], Answer]) -> Answer:
        """Return what ``action`` does in the thread of the executor.

        Raises:
            RuntimeError: that thread has ended, or does before it comes to it.
        """
        from concurrent.futures import Future, wait

        found: Future[Answer] = Future()

        def act() -> None:
            try:
                found.set_result(action())
            except Exception as error:  # it is raised by whoever has asked
                found.set_exception(error)

        self.host.call(act)
        while not wait([found], _LOOKS_EVERY_S).done:
            if not self.host.is_alive and not found.done():
                raise RuntimeError(f"the backend {self.name} was shut down")
        return found.result()

    @property
    def chat_template(self) -> FrontendTemplate | None:
        """What stands around messages; None for what the model's own template says.

        One that is set is that of the runs that begin from then on.
        """
        return self._template

    @chat_template.setter
    def chat_template(self, template: FrontendTemplate | None) -> None:
        self.ask(lambda: self._use(template))
        self._template = template

    def _use(self, template: FrontendTemplate | None) -> None:
        raise TypeError(f"the messages of {self!r} have no template that could be changed")

    def get_chat_template(self) -> FrontendTemplate | None:
        """Return ``chat_template``, by SGLang's name."""
        return self._template

    def messages_of(self, stream: Stream) -> list[dict[str, Any]]:
        """Return the messages of a prompt; those of a template of SGLang's as SGLang does."""
        if self._template is None:
            return stream.messages()
        from sglc.backends.transcript import transcript

        return transcript(stream.segments(), self._template)

    def build_ahead(self, history: History) -> None:
        """Begin to build what runs like those before will need, in the thread of the executor."""
        count = self._ahead.get(history, 0)
        if count < len(history.constraints):
            new = history.constraints[count:]
            self._ahead[history] = count + len(new)
            history.num_constraints += len(new)
            self.host.executor.build_ahead(new)

    def shutdown(self) -> None:
        """Cancel what runs and let go of the model."""
        self.host.close()

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def check(
        self, call: Gen | Select, options: Mapping[str, Any], role: str | None, *, has_text: bool
    ) -> None:
        """Refuse a call that cannot be made here, in a message of ``role`` or outside of all.

        ``options`` are all of the call; ``has_text``: there is some of the message already.

        Raises:
            NotSupportedError: names the option and the way out.
        """

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"{self!r} cannot be copied or pickled: open a backend in each process, or serve one "
            "model and give each process an sglc.RuntimeEndpoint"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


_default: Backend | None = None


def set_default_backend(backend: Backend | None) -> None:
    """Let programs that are given no backend run on this one.

    Raises:
        TypeError: it is no backend.
    """
    global _default
    _default = None if backend is None else _checked(backend)


def default_backend() -> Backend | None:
    """Return what programs run on that are given no backend; None if nothing."""
    return _default


def backend_or_default(backend: Backend | None) -> Backend:
    """Return a backend: the one given, else the default one.

    Raises:
        NoBackendError: there is neither.
        TypeError: it is no backend.
    """
    if backend is not None:
        return _checked(backend)
    if _default is None:
        raise NoBackendError
    return _default


def _checked(backend: object) -> Backend:
    found = getattr(backend, "endpoint", backend)  # of a server that was started here
    if not isinstance(found, Backend):
        hint = ""
        if isinstance(found, str):
            hint = f": for the model of that name, sglc.Engine({found!r})"
        elif isinstance(found, type):
            hint = f": it is a class, make one with {found.__name__}(…)"
        raise TypeError(f"not a backend: {found!r}{hint}")
    return found
