"""What a server of SGLang's dialect says of a text: ``meta_info``, checked field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError

PATH: Final = "/generate"


class Row(NamedTuple):
    """A token; ``logprob`` None for one that has nothing before it, ``text`` empty if not told."""

    logprob: float | None
    id: int
    text: str


class MetaInfo:
    """The ``meta_info`` of a reply.

    Raises:
        RemoteError: there is none, or a field of it is not what it is in this dialect.
    """

    def __init__(self, client: Client, reply: Any, stop_ids: frozenset[int] = frozenset()) -> None:
        self._stop_ids = stop_ids
        meta = reply.get("meta_info") if isinstance(reply, dict) else None
        if not isinstance(meta, dict):
            raise odd_answer(client, "no meta_info")
        self._client = client
        self._meta: Mapping[str, Any] = meta

    @property
    def given(self) -> Mapping[str, Any]:
        """All of it."""
        return self._meta

    def count(self, name: str, default: int | None = None) -> int:
        """Return a number of tokens."""
        value = self._meta.get(name)
        value = default if value is None else value
        if type(value) is not int or value < 0:
            raise self.odd(f"{name} {value!r}")
        return value

    def rows(self, name: str) -> list[Row]:
        """Return what is said of tokens; nothing if nothing is."""
        rows = self._meta.get(name)
        if rows is None:
            return []
        if not isinstance(rows, list):
            raise self.odd(f"{name} that are no list")
        return [self._row(name, row) for row in rows]

    def _row(self, name: str, row: object) -> Row:
        if isinstance(row, list) and len(row) == 3:
            logprob, token, text = row
            is_known = type(logprob) in (int, float) and logprob <= 0.001  # rounding
            if (is_known or logprob is None) and type(token) is int:
                known = None if logprob is None else float(logprob)
                return Row(known, token, text if isinstance(text, str) else "")
        raise self.odd(f"{name} with {row!r}")

    def finish(self) -> tuple[Any, str | int | None] | None:
        """Return why a text ended, and the stop text; None if it goes on."""
        reason = self._meta.get("finish_reason")
        if reason is None:
            return None
        if isinstance(reason, str):  # 0.2
            return ("length" if "length" in reason.lower() else "eos"), None
        if not isinstance(reason, dict):
            raise self.odd(f"finish_reason {reason!r}")
        kind, matched = reason.get("type"), reason.get("matched")
        if kind == "abort":
            said = reason.get("message") or "without a reason"
            raise RemoteError(f"{self._client.url}{PATH} gave up the text: {said}")
        if kind == "length":
            return "length", None
        if isinstance(matched, str) or (type(matched) is int and matched in self._stop_ids):
            return "stop", matched
        return "eos", None

    def odd(self, what: str) -> RemoteError:
        """Return the error of a reply that is not of this dialect."""
        return odd_answer(self._client, what)


def odd_answer(client: Client, what: str) -> RemoteError:
    """Return the error of an answer that is not of this dialect."""
    return RemoteError(
        f"{client.url}{PATH} has sent {what}; check that it is a server of SGLang's dialect"
    )
