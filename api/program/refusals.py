"""Calls that a server cannot do: refused where they stand in the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sglc.errors import NotSupportedError
from sglc.program.places import caller_place, exact_loc

if TYPE_CHECKING:
    from sglc.program.expressions import Gen, Select
    from sglc.runtime.core.script import Decode
    from sglc.runtime.remote.capabilities import Capabilities
    from sglc.runtime.remote.policy import Policy


def refuse_unserved(
    can: Capabilities,
    policy: Policy,
    call: Gen | Select,
    options: Mapping[str, Any],
    role: str | None,
    *,
    has_text: bool,
) -> None:
    """Refuse a call in a message of ``role`` that a server cannot do; see ``Backend.check``.

    Raises:
        NotSupportedError: names the line of the program, the option, the reason and the way out.
    """
    from sglc.program.expressions import Gen
    from sglc.runtime.remote.check import (
        check_decode,
        check_place,
        check_select,
        check_type,
        refusal_of,
    )

    if isinstance(call, Gen):
        found = check_decode(can, _decode(options)) + check_type(can, call.constraint)
    else:
        found = check_select(can, alone=call.method == "unconditional")
    found += check_place(
        can,
        role,
        "gen" if isinstance(call, Gen) else "select",
        is_held=not isinstance(call, Gen) or call.constraint is not None,
        has_text=has_text,
        ahead=options.get("num_api_spec_tokens") or policy.speculate,
    )
    refused = refusal_of(found, emulates=policy.emulate == "validate-retry")
    if refused is None:
        return
    loc = exact_loc(call.place, caller_place())
    place = "" if loc is None else f"{loc}: "
    raise NotSupportedError(f"{place}{refused}")


def _decode(options: Mapping[str, Any]) -> Decode:
    """Return the decode that options ask for, but for its type."""
    from sglc.runtime.core.sampling import FIELDS, SamplingParams
    from sglc.runtime.core.script import Decode, TokenReport

    report = None
    if options["return_logprob"]:
        start, top = options["logprob_start_len"], options["top_logprobs_num"]
        report = TokenReport(-1 if start is None else start, top or 0)
    return Decode(
        options["max_tokens"],
        SamplingParams(**{field: options[name] for name, field in FIELDS.items()}),
        stop=options["stop"],
        stop_ids=frozenset(options["stop_token_ids"]),
        num_logprobs=0 if options["return_logprob"] else None,
        report=report,
        ignore_eos=options["ignore_eos"],
        heal=b"?" if options["healing"] else b"",
    )
