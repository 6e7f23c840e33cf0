"""Sessions: prompts that go on from what an earlier request of theirs had and wrote.

A session is a tree of requests. Each knows all tokens before it, so going back to one is going on
from it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sglc.server.errors import ApiError, bad_request
from sglc.server.native.body import GenerateBody, SessionBody

MAX_SESSIONS = 256  # of one tenant
MAX_REQUESTS = 1024  # that a session remembers
MAX_TOKENS = 1 << 19  # of all those; each has the tokens of those before it too


@dataclass(slots=True)
class _Turn:
    """A request; ``output`` is None while it runs, ``before`` what it goes on from."""

    before: str | None
    prompt: tuple[int, ...]
    output: tuple[int, ...] | None = None

    @property
    def num_tokens(self) -> int:
        """How many tokens are remembered for it."""
        return len(self.prompt) + len(self.output or ())


class SessionGone(Exception):
    """There is nothing to go on from; the message says what is missing."""


@dataclass(slots=True)
class Session:
    """One session. ``capacity`` is how many characters it may have, 0 for any number."""

    capacity: int
    _turns: dict[str, _Turn] = field(default_factory=dict)

    def history(self, where: SessionBody) -> tuple[int, ...]:
        """Return the tokens that a request goes on from.

        Raises:
            SessionGone: there is no such request, or it is still running.
        """
        if where.rid is None:
            return ()
        turn = self._turns.get(where.rid)
        if turn is None:
            raise SessionGone(f"the session has no request {where.rid!r}")
        if turn.output is None:
            raise SessionGone(f"the request {where.rid!r} is still running")
        kept = turn.prompt if where.drop_previous_output else turn.prompt + turn.output
        return kept[: where.offset] if where.offset else kept

    def replace(self, where: SessionBody) -> None:
        """Forget what a request replaces: all that is behind the one that it goes on from."""
        if not where.replace:
            return
        gone = {where.rid}
        for name, turn in list(self._turns.items()):  # what is behind another was added later
            if where.rid is None or turn.before in gone:
                gone.add(name)
                del self._turns[name]

    @contextmanager
    def running(self, rid: str, before: str | None, prompt: tuple[int, ...]) -> Iterator[_Turn]:
        """Remember a request; one that has no output at the end of the block is forgotten.

        Of too many the oldest are forgotten, but never the one that came last.

        Raises:
            ApiError: 400: there is a request of that name.
        """
        if rid in self._turns:
            raise bad_request(f"the session has a request {rid!r} already", "rid")
        turn = self._turns[rid] = _Turn(before, prompt)
        size = sum(each.num_tokens for each in self._turns.values())
        while len(self._turns) > MAX_REQUESTS or (size > MAX_TOKENS and len(self._turns) > 1):
            size -= self._turns.pop(next(iter(self._turns))).num_tokens
        try:
            yield turn
        finally:
            if turn.output is None and self._turns.get(rid) is turn:
                del self._turns[rid]


class Sessions:
    """The open sessions, by tenant and name."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, Session]] = {}

    def open(self, tenant: str, capacity: int, name: str | None) -> str:
        """Open a session and return its name.

        Raises:
            ApiError: the name is taken, or too many are open.
        """
        own = self._open.setdefault(tenant, {})
        name = secrets.token_hex(16) if name is None else name
        if name in own:
            raise bad_request(f"a session {name!r} is open", "session_id")
        if len(own) >= MAX_SESSIONS:
            raise ApiError(429, f"{MAX_SESSIONS} sessions are open: close one")
        own[name] = Session(capacity)
        return name

    def close(self, tenant: str, name: str) -> None:
        """Forget a session.

        Raises:
            ApiError: 400: there is none of that name.
        """
        if self._open.get(tenant, {}).pop(name, None) is None:
            raise bad_request(f"there is no session {name!r}", "session_id")

    def find(self, tenant: str, name: str) -> Session:
        """Return a session.

        Raises:
            SessionGone: there is none of that name.
        """
        found = self._open.get(tenant, {}).get(name)
        if found is None:
            raise SessionGone(f"there is no session {name!r}")
        return found


def session_of(body: GenerateBody) -> SessionBody | None:
    """Return what a request goes on from, in the form of 0.5.

    The pair of 0.4 keeps one line of requests: what came behind the one it names is forgotten.

    Raises:
        ApiError: 400: both forms are there, or not one prompt and one sample.
    """
    if body.session is None and body.session_params is None:
        return None
    if body.session is not None and body.session_params is not None:
        raise bad_request("give session or session_params", "session_params")
    field_ = "session" if body.session is not None else "session_params"
    params = body.sampling_params
    is_many = isinstance(params, list) or (params is not None and params.n > 1)
    if is_many or isinstance(body.text, list) or _is_list_of_lists(body.input_ids):
        raise bad_request("a session takes one prompt and one sample at a time", field_)
    if isinstance(body.session, list):
        name, rid = body.session
        if name is None:
            raise bad_request("session[0] must be the name of a session", "session")
        return SessionBody(id=name, rid=rid, replace=True)
    return body.session or body.session_params


def _is_list_of_lists(ids: Sequence[object] | None) -> bool:
    return bool(ids) and isinstance(ids[0] if ids else None, list)
