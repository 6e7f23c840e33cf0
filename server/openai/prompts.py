"""``prompt`` and ``input``: one or several texts, each as text or as token ids."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, WithJsonSchema

from sglc.server.errors import bad_request
from sglc.server.openai.logprobs import TokenNames
from sglc.server.sampling import check_room, token_ids_of
from sglc.server.service import Service

MAX_PROMPTS = 2048


def _checked(value: Any) -> Any:
    """Check a value in one go; a union would try every form on every item."""
    if isinstance(value, str):
        _check_text(value, "")
        return value
    if not isinstance(value, list) or not value:
        raise ValueError("must be a text, a list of token ids, or a list of these, not empty")
    if isinstance(value[0], int):
        _check_ids(value, "")
        return value
    if len(value) > MAX_PROMPTS:
        raise ValueError(f"has {len(value)} prompts; one request takes at most {MAX_PROMPTS}")
    for i, each in enumerate(value):
        if isinstance(value[0], str):
            if not isinstance(each, str):
                raise ValueError(f"[{i}] must be a text, as the first one is")
            _check_text(each, f"[{i}] ")
        elif not isinstance(each, list) or not each:
            raise ValueError(f"[{i}] must be a list of token ids, not empty")
        else:
            _check_ids(each, f"[{i}]")
    return value


def _check_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = f"{place}has half a character (a lone surrogate) at {error.start}"
        raise ValueError(message) from None


def _check_ids(ids: list[Any], place: str) -> None:
    for i, token in enumerate(ids):
        if not isinstance(token, int) or isinstance(token, bool):
            raise ValueError(f"{place}[{i}] must be a token id")


_IDS = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_PROMPTS},
        _IDS,
        {"type": "array", "items": _IDS, "minItems": 1, "maxItems": MAX_PROMPTS},
    ]
}
Prompts = Annotated[Any, AfterValidator(_checked), WithJsonSchema(_SCHEMA)]


class Prompt(NamedTuple):
    """A prompt as ids; the first ``num_added`` of them stand for none of ``text``."""

    text: str
    ids: tuple[int, ...]
    num_added: int


def num_prompts(given: Any) -> int:
    """Return how many prompts a checked field holds."""
    return 1 if isinstance(given, str) or isinstance(given[0], int) else len(given)


async def prompts_of(service: Service, given: Any, field: str, *, specials: bool) -> list[Prompt]:
    """Return the prompts of a checked field; ``specials`` as in ``Service.encode``.

    Raises:
        ApiError: one is empty, is longer than the context, or has an id that is no token.
    """
    ready = service.engine.ready
    assert ready is not None
    is_one = isinstance(given, str) or isinstance(given[0], int)
    items: Sequence[Any] = [given] if is_one else given
    found = []
    for i, item in enumerate(items):
        place = field if is_one else f"{field}[{i}]"
        if isinstance(item, str):
            prompt = await _of_text(service, item, place, specials)
        else:
            check_room(len(item), service.max_context, place)
            ids = token_ids_of(item, ready.vocab_size, place)
            names = TokenNames(service.files.tokenizer)
            prompt = Prompt(b"".join(map(names.data, ids)).decode(errors="replace"), ids, 0)
        if not prompt.ids:
            raise bad_request(f"{place} is empty, and this model has no begin token", place)
        check_room(len(prompt.ids), service.max_context, place)
        found.append(prompt)
        await asyncio.sleep(0)  # others have their turn between two prompts
    return found


async def _of_text(service: Service, text: str, place: str, specials: bool) -> Prompt:
    ids = tuple(await service.encode(text, place, specials=specials))
    bos, names = service.files.tokenizer.bos_ids, TokenNames(service.files.tokenizer)
    is_own = specials and text.encode(errors="replace").startswith(b"".join(map(names.data, bos)))
    return Prompt(text, ids, 0 if is_own else len(bos))
