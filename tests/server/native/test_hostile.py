"""Whatever comes is answered: with what was asked for, or with what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HUGE = 10**400
SCALARS = st.sampled_from([None, True, -1, 0, 1, 2, HUGE, 1.5, "", "a", "\ud800", "\0", "{", "("])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("a"), inner, max_size=1),
    max_leaves=3,
)
PARAMS = [
    "max_new_tokens", "min_new_tokens", "temperature", "top_p", "top_k", "min_p", "logit_bias",
    "frequency_penalty", "repetition_penalty", "sampling_seed", "n", "stop", "stop_token_ids",
    "regex", "json_schema", "ebnf", "ignore_eos", "no_stop_trim", "skip_special_tokens",
]  # fmt: skip
FIELDS = [
    "text", "input_ids", "rid", "return_logprob", "logprob_start_len", "top_logprobs_num", "stream",
    "session", "session_params", "image_data", "return_text_in_logprobs", "nonsense",
]  # fmt: skip
BODIES: dict[str, list[str]] = {
    "/generate": FIELDS,
    "/encode": ["text", "input_ids", "rid", "sampling_params"],
    "/tokenize": ["prompt", "add_special_tokens"],
    "/detokenize": ["tokens", "skip_special_tokens"],
    "/open_session": ["capacity_of_str_len", "session_id"],
    "/close_session": ["session_id"],
    "/abort_request": ["rid", "abort_all"],
}


def checked(http: httpx2.Client, path: str, body: Any) -> httpx2.Response:
    reply = http.post(path, content=json.dumps(body))
    assert reply.status_code in (200, 400), (body, reply.text)
    if reply.status_code == 400:
        assert reply.json()["error"]["message"]
        assert "Traceback" not in reply.text
    return reply


@pytest.mark.parametrize("path", BODIES)
@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_body_is_answered(http: httpx2.Client, path: str, data: st.DataObject) -> None:
    body: Any = data.draw(st.dictionaries(st.sampled_from(BODIES[path]), VALUES, max_size=3))
    if path == "/generate":
        params = data.draw(st.dictionaries(st.sampled_from(PARAMS), VALUES, max_size=2))
        body = {"text": "a", "sampling_params": {"max_new_tokens": 3, **params}, **body}
    reply = checked(http, path, body)
    if path == "/open_session" and reply.status_code == 200:
        checked(http, "/close_session", {"session_id": reply.json()})
