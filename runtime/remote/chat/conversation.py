"""A prompt as the conversation that a chat server is sent, and what its answer begins with."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from mimetypes import guess_type
from typing import NamedTuple
from urllib.parse import urlsplit

from sglc.compiler.plan.segments import Media
from sglc.runtime.remote.tokenizer import Message, RemoteTokenizer


class Conversation(NamedTuple):
    """``messages`` are complete; ``begun`` is what the assistant's answer has already."""

    messages: tuple[Message, ...]
    begun: str


def conversation(tokenizer: RemoteTokenizer, prompt: Sequence[int]) -> Conversation:
    """Return the conversation that a prompt is.

    Raises:
        ValueError: the model is not to write in a message of the assistant; a picture stands in it;
            there is nothing to answer to.
    """
    *messages, last = tokenizer.messages(prompt) or [Message("", ())]
    if not last.is_open or last.role != "assistant":
        where = f"in a message of the {last.role}" if last.is_open else "outside of all messages"
        raise ValueError(
            f"the model is to write {where}, and a chat server writes the assistant's only: write "
            "it as `assistant(gen(…))`"
        )
    if any(isinstance(part, Media) for part in last.parts):
        raise ValueError("a picture stands in the assistant's message: put it into the user's")
    if not messages:
        raise ValueError("the conversation begins with the assistant: write a `user` message first")
    return Conversation(tuple(messages), last.text)


class Picture(NamedTuple):
    """A picture by its address, or, if ``data`` is given, as the base64 text of its bytes.

    ``mime`` is empty where an address does not tell.
    """

    mime: str
    url: str
    data: str | None


def picture_of(media: Media) -> Picture:
    """Return a picture of a prompt.

    Raises:
        ValueError: it is a video, or its ``data:`` address is broken.
    """
    if media.kind == "video":
        raise ValueError("chat servers take pictures and no videos: give frames as `image(…)`")
    if not media.url.startswith("data:"):
        return Picture(guess_type(urlsplit(media.url).path)[0] or "", media.url, None)
    head, comma, data = media.url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        raise ValueError("the picture's data: address is not in base64")
    try:
        base64.b64decode(data, validate=True)
    except ValueError:
        raise ValueError("the picture's data: address is not in base64") from None
    return Picture(head.removesuffix(";base64"), media.url, data)
