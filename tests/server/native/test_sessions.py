"""Sessions: prompts go on from earlier ones without sending them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from generators.native_client import FRANCE, NativeClient

from sglc.server.native.body import SessionBody
from sglc.server.native.sessions import MAX_REQUESTS, MAX_TOKENS, Session, SessionGone

PARAMS = {"temperature": 0, "max_new_tokens": 5}


@pytest.fixture
def session(http: httpx2.Client) -> Iterator[str]:
    """An open session."""
    name = http.post("/open_session", json={"capacity_of_str_len": 1000}).json()
    yield name
    assert http.post("/close_session", json={"session_id": name}).status_code == 200


def tokens(http: httpx2.Client, text: str) -> list[int]:
    ids: list[int] = http.post("/tokenize", json={"prompt": text}).json()["tokens"]
    return ids


def test_a_request_goes_on_from_another(
    native: NativeClient, http: httpx2.Client, session: str
) -> None:
    first = native(text=FRANCE, sampling_params=PARAMS, session=[session, None], rid="a")
    second = native(text=" It is", sampling_params=PARAMS, session=[session, "a"], rid="b")
    whole = tokens(http, FRANCE) + first["output_ids"] + tokens(http, " It is")
    plain = native(input_ids=whole, sampling_params=PARAMS)
    assert second["output_ids"] == plain["output_ids"]
    assert second["meta_info"]["prompt_tokens"] == len(whole)


def test_going_back_forgets_what_came_behind(native: NativeClient, session: str) -> None:
    native(text=FRANCE, sampling_params=PARAMS, session=[session, None], rid="a")
    once = native(text=" It is", sampling_params=PARAMS, session=[session, "a"], rid="b")
    again = native(text=" It is", sampling_params=PARAMS, session=[session, "a"], rid="c")
    assert again["output_ids"] == once["output_ids"]
    gone = native(text=" So", sampling_params=PARAMS, session=[session, "b"], rid="d")
    assert gone["meta_info"]["finish_reason"]["type"] == "abort"
    assert "'b'" in gone["meta_info"]["finish_reason"]["message"]
    native(text=" So", sampling_params=PARAMS, session=[session, "c"], rid="e")
    native(text="New", sampling_params=PARAMS, session=[session, None], rid="f")
    for old in "ace":
        gone = native(text="x", sampling_params=PARAMS, session=[session, old])
        assert gone["meta_info"]["finish_reason"]["type"] == "abort"


def ask(native: NativeClient, session: str, text: str, **where: Any) -> int:
    rid = where.pop("name", None)
    named = {} if rid is None else {"rid": rid}
    reply = native(
        text=text, sampling_params=PARAMS, session_params={"id": session, **where}, **named
    )
    count: int = reply["meta_info"]["prompt_tokens"]
    return count


def test_branches_offsets_and_prompts_alone(native: NativeClient, session: str) -> None:
    """The form of 0.5, which keeps every branch unless it is told to replace."""
    ask(native, session, FRANCE, name="a")
    assert ask(native, session, " It is", rid="a", name="b") == 5 + 5 + 2
    assert ask(native, session, " It is", rid="a", name="c") == 12
    assert ask(native, session, " It is", rid="b", name="d") == 12 + 5 + 2
    assert ask(native, session, " It is", rid="a", drop_previous_output=True) == 5 + 2
    assert ask(native, session, " It is", rid="a", offset=3) == 3 + 2
    assert ask(native, session, " It is", rid="a", offset=-1) == 9 + 2
    assert ask(native, session, " It is", rid="a", offset=0) == 12
    assert ask(native, session, " It is", rid="a", replace=True, name="e") == 12
    for gone in "bcd":
        assert ask(native, session, " It is", rid=gone) == 0
    assert ask(native, session, " It is", rid="e") == 19


def test_a_stream_of_a_session_is_remembered(native: NativeClient, session: str) -> None:
    body = {"text": FRANCE, "sampling_params": PARAMS, "session": [session, None], "rid": "a"}
    assert native.stream(**body)[-1]["meta_info"]["finish_reason"]["type"] == "length"
    assert ask(native, session, " It is", rid="a") == 12
    events = native.stream(text="x", session=[session, "nobody"])
    assert [event["meta_info"]["finish_reason"]["type"] for event in events] == ["abort"]


def test_a_session_that_is_not_open_aborts(native: NativeClient) -> None:
    reply = native(text=FRANCE, session=["nobody", None])
    assert reply["text"] == ""
    assert reply["meta_info"]["finish_reason"]["type"] == "abort"


def test_what_a_session_cannot_do_is_named(
    native: NativeClient, http: httpx2.Client, session: str
) -> None:
    where = [session, None]
    assert native.error(text=["a"], session=where)["param"] == "session"
    assert native.error(text="a", sampling_params={"n": 2}, session=where)["param"] == "session"
    both = native.error(text="a", session=where, session_params={"id": session})
    assert both["param"] == "session_params"
    assert native.error(text="x" * 1001, session=where)["param"] == "session"
    native(text="a", sampling_params=PARAMS, session=where, rid="a")
    twice = native.error(text="a", session_params={"id": session}, rid="a")
    assert twice["param"] == "rid"
    taken = http.post("/open_session", json={"session_id": session})
    assert taken.json()["error"]["param"] == "session_id"
    assert http.post("/close_session", json={"session_id": "nobody"}).status_code == 400


def test_a_request_that_was_refused_is_not_remembered(native: NativeClient, session: str) -> None:
    native.error(text="a", sampling_params={"regex": "("}, session_params={"id": session}, rid="a")
    assert ask(native, session, FRANCE, name="a") == 5


@pytest.mark.parametrize(
    ("num_tokens", "num_kept"),
    [(1, MAX_REQUESTS), (MAX_TOKENS // 4, 4), (2 * MAX_TOKENS, 1)],
)
def test_a_session_remembers_so_much(num_tokens: int, num_kept: int) -> None:
    session, prompt = Session(0), (7,) * num_tokens
    for number in range(num_kept + 3):
        with session.running(str(number), None, prompt) as turn:
            turn.output = ()
    for number in range(num_kept + 3):
        where = SessionBody(id="a", rid=str(number))
        if number >= 3:
            assert session.history(where) == prompt
        else:
            with pytest.raises(SessionGone, match="has no request"):
                session.history(where)
