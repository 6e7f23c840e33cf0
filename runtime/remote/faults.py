"""What servers say goes wrong: whether the same request may succeed later, when, what to do."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sglc.runtime.remote.errors import RemoteError

_MAX_SHOWN: Final = 300  # characters of what a server says
_NEVER: Final = frozenset({501, 505})
_SPENT: Final = frozenset(
    {
        "insufficient_quota", "billing_hard_limit_reached", "billing_not_active",
        "enforced_spend_limit_reached",
    }
)  # fmt: skip
_FOR_A_WHILE: Final = frozenset(
    {
        "overloaded_error", "rate_limit_error", "api_error", "timeout_error", "server_error",
        "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED",
    }
)  # fmt: skip
_PER_DAY: Final = "PerDay"
_ADVICE: Final[Mapping[int | str, str]] = {
    401: "check the API key",
    402: "add credit at the provider",
    403: "check the API key and what it allows",
    404: "check the address and the model's name",
    413: "the prompt is too large for the server: shorten it",
    429: "lower max_in_flight, set tokens_per_minute, or raise max_retries",
    "spent": "what may be spent at the provider is used up: add credit, or raise its limit",
    "context_length_exceeded": "shorten the prompt, or lower max_tokens",
}


def may_pass(status: object) -> bool:
    """Whether a request that was answered by this status may succeed later."""
    if type(status) is not int:
        return False
    return status in (408, 409, 429) or (status >= 500 and status not in _NEVER)


def is_spent(said: object) -> bool:
    """Whether an error is about what may be spent: no waiting helps, though the status says so."""
    names = {str(value) for _, value in _facts(said)}
    quotas = [str(v) for key, v in _facts(said) if key in ("quotaId", "quota_limit")]
    return bool(names & _SPENT) or any(_PER_DAY in quota for quota in quotas)


def refusal(place: str, status: int, headers: Mapping[str, str], body: str) -> RemoteError:
    """Return the error that an answer is which has another status than 200.

    ``headers`` are those of the answer, in lower case.
    """
    said = _data(body)
    spent = is_spent(said)
    asked = headers.get("x-should-retry")
    passes = asked == "true" if asked in ("true", "false") else may_pass(status)
    codes = [value for key, value in _facts(said) if key == "code" and isinstance(value, str)]
    advice = next((_ADVICE[code] for code in codes if code in _ADVICE), None)
    if spent:
        advice = _ADVICE["spent"]
    elif 300 <= status < 400 and "location" in headers:
        advice = f"it points to {headers['location']}: give that address"
    advice = advice or _ADVICE.get(status, "see the server's log" if status >= 500 else "")
    text = f"{place} answers {status}: {message_of(body) or 'nothing else'}"
    return RemoteError(
        f"{text}; {advice}" if advice else text,
        is_transient=passes and not spent,
        retry_after_s=_wait_s(headers, said),
        status=status,
    )


def error_in(place: str, reply: Any) -> RemoteError | None:
    """Return the error that a reply or an event is though the status was 200; None if it is none.

    All dialects write it so: ``error`` in the object, or in the first one of a list.
    """
    first = reply[0] if isinstance(reply, list) and reply else reply
    error = first.get("error") if isinstance(first, dict) else None
    if not error:
        return None
    facts = dict(_facts(error))
    names = {facts.get(key) for key in ("type", "code", "status")}
    passes = not names.isdisjoint(_FOR_A_WHILE) or any(map(may_pass, names))
    return RemoteError(
        f"{place} answers: {message_of(json.dumps(first))}",
        is_transient=passes and not is_spent(error),
        retry_after_s=_wait_s({}, error),
    )


def message_of(body: str) -> str:
    """Return what an error of a server says, whatever its dialect."""
    data = _data(body)
    while isinstance(data, dict | list):
        if isinstance(data, list):
            inner = data[0] if len(data) == 1 else None
        else:
            inner = next((data[k] for k in ("error", "message", "detail") if data.get(k)), None)
        if inner is None:
            break
        data = inner
    return clipped(data if isinstance(data, str) else json.dumps(data))


def retry_after_s(value: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or a date."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return None if math.isnan(seconds) else max(seconds, 0.0)


def clipped(text: str) -> str:
    """Return as much of what a server says as is shown."""
    text = text.strip()
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


def _wait_s(headers: Mapping[str, str], said: Any) -> float | None:
    """Return when a server wants to be asked again: it says so in milliseconds, in seconds, or
    (Google's) in the body."""
    milliseconds = retry_after_s(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    seconds = retry_after_s(headers.get("retry-after"))
    if seconds is not None:
        return seconds
    delays = [value for key, value in _facts(said) if key == "retryDelay"]
    return retry_after_s(str(delays[0]).removesuffix("s")) if delays else None


def _data(body: str) -> Any:
    """Return what a body is as JSON; itself where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body


def _facts(said: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an error, the outer ones last, that are no objects themselves."""
    if isinstance(said, list):
        for each in said:
            yield from _facts(each)
    elif isinstance(said, dict):
        for value in said.values():
            yield from _facts(value)
        yield from ((key, v) for key, v in said.items() if not isinstance(v, dict | list))
