"""What of a request a server cannot do: refused with the reason and the way out, never skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final, Literal, NamedTuple

from sglc.constraints.types import Type
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode
from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.held import held_to

_RETRY: Final = "emulate='validate-retry' generates freely, checks, and generates again"


class Refusal(NamedTuple):
    """An option that a server cannot do. ``is_emulated``: the policy ``validate-retry`` does it."""

    option: str
    reason: str
    way_out: str
    is_emulated: bool = False

    def __str__(self) -> str:
        return f"`{self.option}`: {self.reason}; {self.way_out}"


HEALING: Final = Refusal(
    "healing", "the prompt is sent as text", "leave it out, and end the prompt where a word ends"
)


def check_options(
    capabilities: Capabilities,
    *,
    sampling: SamplingParams,
    constraint: Type | None = None,
    ignore_eos: bool = False,
    logprobs: bool = False,
) -> list[Refusal]:
    """Return what a kind of server cannot do of the options of a decode."""
    name = capabilities.name
    found: list[Refusal] = []
    given = sampling.temperature
    for item in fields(SamplingParams):
        if item.name == "temperature" and capabilities.only_temperature is not None:
            continue
        is_asked = getattr(sampling, item.name) != item.default
        if is_asked and item.name not in capabilities.sampling:
            found.append(Refusal(item.name, f"{name} does not take it", "leave it out"))
    found += _temperature(capabilities, given)
    if capabilities.temperature_or_top_p and given != 1.0 and sampling.top_p != 1.0:
        reason = f"{name} takes it or `temperature`, and not both"
        found.append(Refusal("top_p", reason, "leave one of them out"))
    if ignore_eos and not capabilities.ignore_eos:
        found.append(Refusal("ignore_eos", f"{name} does not take it", "leave it out"))
    if logprobs and not capabilities.logprobs:
        found.append(
            Refusal("logprob", f"{name} gives no log probabilities", "do not ask for them")
        )
    return found + check_type(capabilities, constraint)


def check_type(capabilities: Capabilities, wanted: Type | None) -> list[Refusal]:
    """Return why a kind of server cannot hold a text to a type, if it cannot."""
    if wanted is None or held_to(wanted, capabilities) is not None:
        return []
    reason = f"{capabilities.name} holds no text to {_clip(str(wanted))}"
    return [Refusal("type", reason, _RETRY, True)]


def check_decode(capabilities: Capabilities, decode: Decode) -> list[Refusal]:
    """Return what a kind of server cannot do of a decode."""
    constraint = decode.constraint
    found = check_options(
        capabilities,
        sampling=decode.sampling,
        constraint=None if constraint is None else constraint.wanted,
        ignore_eos=decode.ignore_eos,
        logprobs=decode.num_logprobs is not None,
    )
    if capabilities.prompts == "tokens":
        return found
    if constraint is not None and constraint.wanted is None:
        reason = "the machine of the constraint cannot be sent"
        found.append(Refusal("constraint", reason, "give the type that it is of"))
    no_ids = f"{capabilities.name} names no tokens of its model"
    if decode.stop_ids and not capabilities.token_ids:
        found.append(Refusal("stop_ids", no_ids, "give the texts as `stop`"))
    if decode.num_logprobs:
        reason = "the ids of a text are bytes here, and no tokens"
        found.append(Refusal("num_logprobs", reason, "ask for a `report` of the tokens"))
    report = decode.report
    is_more = report is not None and (report.start >= 0 or report.num_top > 0)
    if is_more and not capabilities.reports:
        said = f"{capabilities.name} tells none of a prompt and no other tokens"
        found.append(Refusal("logprob", said, "ask for those of the text alone"))
    if decode.heal:
        found.append(HEALING)
    return found


def check_select(capabilities: Capabilities, *, alone: bool = False) -> list[Refusal]:
    """Return why choices cannot be scored, if they cannot.

    ``alone``: what they are worth without the prompt is to be known; only scores tell that.
    """
    if alone and not capabilities.scoring:
        reason = f"{capabilities.name} tells no log probabilities of choices by themselves"
        return [Refusal("choices_method", reason, "leave it out: the model writes a choice")]
    if capabilities.scoring or capabilities.constraints:  # what holds a text can name the choices
        return []
    reason = f"{capabilities.name} gives no log probabilities of a prompt"
    return [Refusal("select", reason, _RETRY, True)]


def check_place(
    capabilities: Capabilities,
    role: str | None,
    option: Literal["gen", "select"],
    *,
    is_held: bool,
    has_text: bool,
    ahead: int,
) -> list[Refusal]:
    """Return why a server of messages cannot write at a place: in a message of ``role``.

    ``is_held``: the text is to be of a type. ``has_text``: there is some of the message already.
    ``ahead``: so many tokens are asked for at once.
    """
    if capabilities.prompts != "chat":
        return []
    name = capabilities.name
    if role != "assistant":
        where = "outside of all messages" if role is None else f"in a message of the {role}"
        way_out = f"write it as `assistant({option}(…))`"
        return [Refusal(option, f"it stands {where}, and {name} writes the assistant's", way_out)]
    if not has_text:
        return []
    if not capabilities.prefill and ahead and option == "gen":
        reason = f"{name} holds whole messages to a type, and this is a part of one"
        return [Refusal(option, reason, _RETRY, True)] if is_held else []
    if not capabilities.prefill:
        return [
            Refusal(
                option,
                f"the assistant's message has text before it, and {name} begins every message anew",
                "put the text into the user's message, or have the whole message written at once: "
                "@function(num_api_spec_tokens=…)",
            )
        ]
    if is_held and capabilities.schema_mode:
        reason = f"{name} holds whole messages to a type, and this one has text already"
        return [Refusal(option, reason, _RETRY, True)]
    return []


def _temperature(capabilities: Capabilities, given: float) -> list[Refusal]:
    only, most = capabilities.only_temperature, capabilities.max_temperature
    if only is not None and given != only:
        reason = f"{capabilities.name} samples at {only:g} and at no other, not at {given:g}"
        return [Refusal("temperature", reason, f"give {only:g}")]
    if most is not None and given > most:
        reason = f"{capabilities.name} takes {most:g} at most, not {given:g}"
        return [Refusal("temperature", reason, f"give {most:g} or less")]
    return []


def refusal_of(refusals: Sequence[Refusal], *, emulates: bool) -> str | None:
    """Return all that is refused as one message; None if nothing is."""
    left = [str(each) for each in refusals if not (emulates and each.is_emulated)]
    return "; ".join(left) or None


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
