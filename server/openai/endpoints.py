"""The endpoints of OpenAI's dialect, but for files and batches."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.server.http.endpoint import Endpoint
from sglc.server.openai.chat import ChatReply, chat
from sglc.server.openai.chat_body import ChatBody
from sglc.server.openai.completion_body import CompletionBody, CompletionReply
from sglc.server.openai.completions import completions
from sglc.server.openai.embeddings import EmbeddingBody, EmbeddingReply, embeddings
from sglc.server.openai.models import ModelCard, ModelList, model, models
from sglc.server.openai.responses import (
    InputTokensReply,
    ResponseReply,
    input_tokens,
    responses,
)
from sglc.server.openai.responses_body import CountedBody, ResponsesBody
from sglc.server.openai.scores import ScoreBody, ScoreReply, score

OPENAI: Sequence[Endpoint] = (
    Endpoint(
        path="/v1/chat/completions",
        handle=chat,
        body=ChatBody,
        reply=ChatReply,
        tag="openai",
        streams=True,
    ),
    Endpoint(
        path="/v1/completions",
        handle=completions,
        body=CompletionBody,
        reply=CompletionReply,
        tag="openai",
        streams=True,
    ),
    Endpoint(
        path="/v1/embeddings",
        handle=embeddings,
        body=EmbeddingBody,
        reply=EmbeddingReply,
        tag="openai",
    ),
    Endpoint(
        path="/v1/responses",
        handle=responses,
        body=ResponsesBody,
        reply=ResponseReply,
        tag="openai",
        streams=True,
    ),
    Endpoint(
        path="/v1/responses/input_tokens",
        handle=input_tokens,
        body=CountedBody,
        reply=InputTokensReply,
        tag="openai",
    ),
    Endpoint(path="/v1/score", handle=score, body=ScoreBody, reply=ScoreReply, tag="openai"),
    Endpoint(path="/v1/models", handle=models, methods=("GET",), reply=ModelList, tag="openai"),
    Endpoint(
        path="/v1/models/{model:path}",
        handle=model,
        methods=("GET",),
        reply=ModelCard,
        tag="openai",
    ),
)
