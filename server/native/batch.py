"""A request as its prompts: what may be one or many is made one for each prompt."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from sglc.server.errors import bad_request
from sglc.server.native.body import GenerateBody, SamplingBody

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One prompt of a request, as text or as ``ids``, with what is asked for it.

    ``place`` and ``params_place`` name it in errors. ``rids`` are the names of its samples.
    ``logprob_start`` is None where the request does not say it.
    """

    place: str
    text: str | None
    ids: list[int] | None
    params: SamplingBody
    params_place: str
    return_logprob: bool
    logprob_start: int | None
    num_top: int
    rids: tuple[str, ...]

    @property
    def constraint(self) -> str | None:
        """The field that constrains the output, by its name."""
        for name in ("regex", "json_schema", "ebnf"):
            if getattr(self.params, name) is not None:
                return f"{self.params_place}.{name}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """``num_samples`` of each prompt; ``is_list`` says whether the reply is a list."""

    items: tuple[Item, ...]
    num_samples: int
    is_list: bool


def batch_of(body: GenerateBody, max_prompts: int) -> Batch:
    """Return the prompts of a request.

    Raises:
        ApiError: 400: none or two kinds of prompt, lists of other lengths, too many prompts.
    """
    given = [name for name in ("text", "input_ids") if getattr(body, name) is not None]
    if len(given) != 1:
        raise bad_request("give either text or input_ids", "text")
    (field,) = given
    prompts, is_list = _prompts(body)
    if len(prompts) > max_prompts:
        raise bad_request(f"{field} has {len(prompts)} prompts; at most {max_prompts} fit", field)
    size = len(prompts)
    params = body.sampling_params
    all_params = [each or SamplingBody() for each in _spread("sampling_params", params, size)]
    num_samples = all_params[0].n if all_params else 1
    if any(each.n != num_samples for each in all_params):
        raise bad_request("n must be the same for all prompts of a request", "sampling_params")
    rids = _rids(body.rid, size, num_samples, is_list=is_list)
    returns = _spread("return_logprob", body.return_logprob, size)
    starts = _spread("logprob_start_len", body.logprob_start_len, size)
    tops = _spread("top_logprobs_num", body.top_logprobs_num, size)
    items = tuple(
        Item(
            place=f"{field}[{at}]" if is_list else field,
            text=prompt if isinstance(prompt, str) else None,
            ids=None if isinstance(prompt, str) else prompt,
            params=all_params[at],
            params_place=f"sampling_params[{at}]"
            if isinstance(params, list)
            else "sampling_params",
            return_logprob=bool(returns[at]),
            logprob_start=starts[at],
            num_top=tops[at] or 0,
            rids=tuple(rids[at * num_samples : (at + 1) * num_samples]),
        )
        for at, prompt in enumerate(prompts)
    )
    return Batch(items=items, num_samples=num_samples, is_list=is_list or num_samples > 1)


def _prompts(body: GenerateBody) -> tuple[list[str | list[int]], bool]:
    if isinstance(body.text, str):
        return [body.text], False
    if body.text is not None:
        return list(body.text), True
    ids = body.input_ids or []  # may be millions: the first one says what all are
    if ids and isinstance(ids[0], list):
        return cast(list[str | list[int]], list(ids)), True
    return [cast(list[int], list(ids))], False


def _spread(field: str, value: T | list[T] | None, size: int) -> Sequence[T | None]:
    if not isinstance(value, list):
        return [value] * size
    if len(value) != size:
        raise bad_request(f"{field} has {len(value)} entries for {size} prompts", field)
    return value


def _rids(rid: str | list[str] | None, size: int, num_samples: int, *, is_list: bool) -> list[str]:
    """Name the samples, prompt by prompt; a single name for many is numbered, as in 0.5."""
    count = size * num_samples
    if rid is None:
        return [secrets.token_hex(16) for _ in range(count)]
    if isinstance(rid, str):
        return [f"{rid}_{n}" for n in range(count)] if is_list or num_samples > 1 else [rid]
    if len(rid) != count:
        raise bad_request(f"rid has {len(rid)} entries for {count} outputs", "rid")
    if len(set(rid)) != count:
        raise bad_request("rid must not name two outputs alike", "rid")
    return rid
