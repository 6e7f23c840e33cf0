"""A prompt of a request as the engine takes it: encoded, checked, with what is asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sglc.server.constraints import constraint_of
from sglc.server.engine.messages import Generation
from sglc.server.errors import ApiError, bad_request
from sglc.server.native.batch import Batch, Item
from sglc.server.operations.calls import check_calls
from sglc.server.operations.tenant import Tenant
from sglc.server.sampling import check_room, fitting, sampling_of, stops_of, token_ids_of
from sglc.server.service import Service

MAX_TOP_LOGPROBS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """``generation`` is None where there is nothing for the engine to do: no prompt, no output.

    ``logprob_start`` is where log probabilities begin: a position of the prompt, or -1 for the
    output; None for no log probabilities. One that ``peeks`` writes nothing, but tells what might
    come next: a token is written that nobody sees.
    """

    item: Item
    ids: tuple[int, ...]
    generation: Generation | None
    logprob_start: int | None

    @property
    def peeks(self) -> bool:
        """Whether nothing is to be written, and the most probable tokens are asked for."""
        return (
            self.item.params.max_new_tokens == 0
            and self.logprob_start is not None
            and (self.item.num_top > 0)
        )


async def encode_item(service: Service, item: Item) -> list[int]:
    """Return the ids of a prompt, as it stands alone.

    Raises:
        ApiError: 400: it does not fit, an id is no token, or the server makes no ids of texts.
    """
    if item.ids is not None:
        check_room(len(item.ids), service.max_context, item.place)
        return list(token_ids_of(item.ids, service.vocab_size, item.place))
    assert item.text is not None
    if service.config.skip_tokenizer_init:
        raise bad_request("the server runs with --skip-tokenizer-init: give input_ids", item.place)
    return await service.encode(item.text, item.place, specials=True)


def appended(service: Service, history: Sequence[int], ids: Sequence[int]) -> list[int]:
    """Return a prompt behind what a session has; a begin token is only at the begin of all."""
    bos = list(service.files.tokenizer.bos_ids)
    new = list(ids)
    if history and bos and new[: len(bos)] == bos:
        new = new[len(bos) :]
    return [*history, *new]


def check_limits(tenant: Tenant, batch: Batch) -> None:
    """Refuse what the key does not allow.

    Raises:
        ApiError: 400, with what is asked for and what is allowed.
    """
    limits = tenant.limits
    check_calls(tenant, len(batch.items) * batch.num_samples)
    if limits.max_tokens is None:
        return
    wanted = [item.params.max_new_tokens for item in batch.items]
    total = sum(each or 0 for each in wanted) * batch.num_samples
    if None in wanted or total > limits.max_tokens:
        raise bad_request(
            f"the request asks for {'any number of' if None in wanted else total} tokens; "
            f"its key allows {limits.max_tokens}",
            "sampling_params.max_new_tokens",
        )


def prompt_of(service: Service, item: Item, ids: Sequence[int], *, deltas: bool) -> Prompt:
    """Return what is asked of the engine for a prompt; ``deltas``: output as it is written.

    Raises:
        ApiError: 400, naming the field.
    """
    check_room(len(ids), service.max_context, item.place)
    start = _logprob_start(item, len(ids))
    generation = _generation(service, item, tuple(ids), start, deltas=deltas)
    return Prompt(item=item, ids=tuple(ids), generation=generation, logprob_start=start)


def _generation(
    service: Service, item: Item, ids: tuple[int, ...], start: int | None, *, deltas: bool
) -> Generation | None:
    params, place = item.params, f"{item.params_place}."
    wanted = params.max_new_tokens
    if wanted is not None and params.min_new_tokens > wanted:
        raise bad_request(
            f"{place}min_new_tokens must be at most max_new_tokens ({wanted}), "
            f"not {params.min_new_tokens}",
            f"{place}min_new_tokens",
        )
    max_tokens = fitting(wanted, len(ids), service.max_context)
    sampling = sampling_of(
        vocab_size=service.vocab_size,
        temperature=params.temperature,
        top_p=params.top_p,
        top_k=params.top_k,
        min_p=params.min_p,
        frequency_penalty=params.frequency_penalty,
        presence_penalty=params.presence_penalty,
        repetition_penalty=params.repetition_penalty,
        min_new_tokens=min(params.min_new_tokens, max_tokens),
        logit_bias=params.logit_bias,
        place=place,
    )
    if wanted == 0 and start is not None and item.num_top and ids:
        max_tokens = fitting(1, len(ids), service.max_context)  # it peeks
        sampling = replace(sampling, temperature=0.0)
    stop = stops_of(params.stop, f"{place}stop")
    stop_ids = token_ids_of(
        params.stop_token_ids or (), service.vocab_size, f"{place}stop_token_ids"
    )
    try:
        constraint = constraint_of(
            regex=params.regex, json_schema=params.json_schema, ebnf=params.ebnf
        )
    except ApiError as error:
        raise bad_request(f"{place}{error.message}", f"{place}{error.param}") from None
    if not ids:
        if max_tokens:
            raise bad_request(
                "the prompt is empty, and this model has no begin token to go on from", item.place
            )
        return None
    has_scores = start is not None and 0 <= start < len(ids) - 1
    return Generation(
        ids=ids,
        max_tokens=max_tokens,
        sampling=sampling,
        seed=service.draw_seed(params.sampling_seed),
        num_samples=len(item.rids),
        stop=stop,
        stop_ids=frozenset(stop_ids),
        ignore_eos=params.ignore_eos,
        constraint=constraint,
        num_logprobs=None if start is None else item.num_top,
        prompt_logprobs_from=start + 1 if start is not None and has_scores else None,
        num_prompt_top=item.num_top,
        deltas=deltas,
    )


def _logprob_start(item: Item, num_tokens: int) -> int | None:
    if not 0 <= item.num_top <= MAX_TOP_LOGPROBS:
        raise bad_request(
            f"top_logprobs_num must be in [0, {MAX_TOP_LOGPROBS}], not {item.num_top}",
            "top_logprobs_num",
        )
    if not item.return_logprob:
        if item.num_top:
            raise bad_request("top_logprobs_num needs return_logprob", "top_logprobs_num")
        return None
    start = item.logprob_start
    if start is None:
        return -1 if item.params.max_new_tokens != 0 else 0
    if not -1 <= start < max(num_tokens, 1):
        raise bad_request(
            f"logprob_start_len must be in [-1, {max(num_tokens, 1) - 1}] for a prompt of "
            f"{num_tokens} tokens, not {start}",
            "logprob_start_len",
        )
    return start
