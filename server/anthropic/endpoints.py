"""The endpoints of Anthropic's dialect."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.server.anthropic.body import CountBody, MessagesBody
from sglc.server.anthropic.errors import refuse
from sglc.server.anthropic.messages import CountReply, MessageReply, count_tokens, messages
from sglc.server.http.endpoint import Endpoint

ANTHROPIC: Sequence[Endpoint] = (
    Endpoint(
        path="/v1/messages",
        handle=messages,
        body=MessagesBody,
        reply=MessageReply,
        tag="anthropic",
        streams=True,
        refuse=refuse,
    ),
    Endpoint(
        path="/v1/messages/count_tokens",
        handle=count_tokens,
        body=CountBody,
        reply=CountReply,
        tag="anthropic",
        refuse=refuse,
    ),
)
