"""What of a plan a server cannot do, told before anything of it is run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sglc.compiler.plan.plan import Function, Loc, Node, Plan, walk
from sglc.constraints.types import Literal, Type, Union
from sglc.runtime.core.sampling import FIELDS, SamplingParams
from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.check import HEALING, Refusal, check_options, check_select

_ANY_CHOICE: Final = Union((Literal("a"), Literal("b")))  # whatever the choices will be


class Unserved(NamedTuple):
    """A place of a program where a server cannot do what is asked."""

    loc: Loc | None
    refusal: Refusal

    def __str__(self) -> str:
        return str(self.refusal) if self.loc is None else f"{self.loc}: {self.refusal}"


def check_plan(capabilities: Capabilities, plan: Plan, *, emulates: bool) -> list[Unserved]:
    """Return what the entry prompt and all that it calls ask of a server that it cannot do.

    ``emulates``: what the policy ``validate-retry`` does is no matter. Options that only a run
    knows are checked in the run.
    """
    found: list[Unserved] = []
    for function in _called(plan):
        for node in walk(function.body):
            refusals = _check_node(capabilities, plan, node)
            left = [each for each in refusals if not (emulates and each.is_emulated)]
            found += [Unserved(node.loc, each) for each in left]
    return found


def _called(plan: Plan) -> Iterator[Function]:
    """Yield the entry prompt and all functions that are called from it."""
    names = [plan.entry]
    for name in names:  # grows while it is read
        function = plan.functions[name]
        yield function
        for node in walk(function.body):
            callee = node.attrs.get("callee")
            if isinstance(callee, str) and callee not in names:
                names.append(callee)


def _check_node(capabilities: Capabilities, plan: Plan, node: Node) -> list[Refusal]:
    if node.op == "select":
        return check_select(capabilities, alone=node.attrs.get("by") == "unconditional")
    if node.op == "media" and not capabilities.images:
        reason = f"{capabilities.name} takes text only"
        return [Refusal("image", reason, "ask a server that takes pictures")]
    if node.op != "gen":
        return []
    found = [HEALING] if node.attrs.get("healing") else []
    return found + check_options(
        capabilities,
        sampling=_sampling(node),
        constraint=_constraint(plan, node),
        logprobs=bool(node.attrs.get("logprob")),
    )


def _sampling(node: Node) -> SamplingParams:
    """Return the parameters that the program itself gives; the defaults if they are wrong."""
    given = {FIELDS[key]: value for key, value in node.attrs.items() if key in FIELDS}
    try:
        return SamplingParams(**given)  # type: ignore[arg-type]  # what is wrong is told in the run
    except (TypeError, ValueError):
        return SamplingParams()


def _constraint(plan: Plan, node: Node) -> Type | None:
    if node.kwarg("choices") is not None:
        return _ANY_CHOICE
    name = node.attrs.get("constraint")
    return None if name is None else plan.constraints[str(name)]
