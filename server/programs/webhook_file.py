"""The file of webhooks: which tools an operator answers, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sglc.server.programs.config import Webhook
from sglc.server.security.targets import FetchError, Target


class WebhookFileError(ValueError):
    """The file of webhooks cannot be used; the message names the file and the place."""


class _WebhookData(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    url: str
    secret: str | None = Field(default=None, min_length=16)
    timeout_s: float = Field(default=30.0, gt=0, le=3600)
    private: bool = False


def read_webhooks(path: Path) -> dict[str, Webhook]:
    """Read a file that maps the names of tools to their webhooks.

    Raises:
        WebhookFileError: it is missing, no JSON, or an entry is wrong.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WebhookFileError(f"{path} cannot be read: {error}") from None
    if not isinstance(data, dict):
        raise WebhookFileError(f"{path}: must be an object: names of tools, and their webhooks")
    return {name: _read(f"{path}: `{name}`", value) for name, value in data.items()}


def _read(place: str, value: Any) -> Webhook:
    try:
        given = _WebhookData.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise WebhookFileError(f"{place}: {field}: {first['msg']}") from None
    parts = urlsplit(given.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WebhookFileError(f"{place}: url: must be http:// or https://, not {given.url!r}")
    if parts.username is not None or parts.password is not None:
        raise WebhookFileError(f"{place}: url: may hold no password; use `secret`")
    try:
        Target.parse(given.url)
    except FetchError as error:
        raise WebhookFileError(f"{place}: url: {error}") from None
    return Webhook(
        url=given.url, secret=given.secret, timeout_s=given.timeout_s, private=given.private
    )
