"""What the replies to completions have in common."""

from __future__ import annotations

import secrets
import time
from typing import Any

from sglc.server.http.body import ReplyBody
from sglc.server.openai.answers import Usage
from sglc.server.service import Service


class PromptTokensDetails(ReplyBody):
    """``cached_tokens`` of a prompt were not computed again."""

    cached_tokens: int


class UsageReply(ReplyBody):
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails | None


class Head:
    """What stands at the head of a reply, and of every chunk of one."""

    def __init__(self, prefix: str, kind: str, model: str) -> None:
        self._fields = {
            "id": prefix + secrets.token_hex(16),
            "object": kind,
            "created": int(time.time()),
            "model": model,
        }

    def data(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None) -> dict[str, Any]:
        """Return a reply, or a chunk of one."""
        return {**self._fields, "choices": choices, "usage": usage}


def usage_data(service: Service, usage: Usage) -> dict[str, Any]:
    """Return the usage of a request; what was cached only where the server is told to say it."""
    reports = service.config.enable_cache_report
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens} if reports else None,
    }
