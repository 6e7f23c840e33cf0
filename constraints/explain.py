"""What a constraint asks for, in words."""

from __future__ import annotations

from dataclasses import fields

from sglc.constraints.automaton import Automaton
from sglc.constraints.build import end_rule, is_unconstrained, language
from sglc.constraints.schemas import compiled
from sglc.constraints.types import Field, Grammar, Schema, Sized, Type

_MAX_SHOWN = 120
_ENDS = {
    "closed": "as soon as it is complete",
    "leave": "when it is complete and the model writes what cannot follow",
    "eos": "when the model says so",
}


def explain(t: Type) -> str:
    """Return a page about ``t``: notation, machine, sizes, end, what is forced.

    Raises:
        ValueError: as ``language``.
    """
    if is_unconstrained(t):
        return f"{t}\n  any text: nothing is enforced\n  ends       {_ENDS['eos']}"
    machine = language(t)
    lines = [str(t)]
    if isinstance(machine, Automaton):
        lines.append(f"  machine    automaton of {machine.num_states - 1} states, minimal")
    else:
        lines.append("  machine    pushdown, worked out as it is used: it nests without end")
    if not machine.start:
        return "\n".join([*lines, "  no text satisfies it"])
    longest = machine.longest()
    lines += [
        f"  shortest   {_shown(machine.completion(machine.start))}",
        f"  longest    {'none' if longest is None else _shown(longest)}",
        f"  begins     {_shown(forced)}" if (forced := machine.forced(machine.start)) else "",
        f"  ends       {_ENDS[end_rule(t)]}",
    ]
    if isinstance(machine, Automaton):
        single = sum(
            len(machine.edges(state)) == 1 and not machine.is_accepting(state)
            for state in range(1, machine.num_states)
        )
        lines.append(f"  forced     one byte only may follow in {single} states")
    return "\n".join(line for line in (*lines, *_notes(t)) if line)


def _notes(t: Type) -> list[str]:
    return [line for each in _types_in(t) for line in _own_notes(each, each == t)]


def _types_in(t: Type) -> list[Type]:
    """The type and all that it is made of, each once."""
    found: dict[Type, None] = {}
    todo: list[object] = [t]
    for each in todo:  # grows while it is read
        if isinstance(each, tuple):
            todo += each
        elif isinstance(each, Field):
            todo.append(each.type)
        elif isinstance(each, Type) and each not in found:
            found[each] = None
            todo += [getattr(each, field.name) for field in fields(each)]
    return list(found)


def _own_notes(t: Type, is_whole: bool) -> list[str]:
    of = "" if is_whole else f" of {t}"
    match t:
        case Sized(max_tokens=int() as most):
            return [
                f"  tokens     at most {most}: a bound on what the model writes, not on members"
            ]
        case Schema():
            report = str(compiled(t).report).splitlines()
            return [f"  keywords{of}", *(f"    {line}" for line in report)]
        case Grammar(start=start):
            return [f"  rule       {start}{of}; terminals may be cut in every way"]
    return []


def _shown(data: bytes) -> str:
    text = repr(data.decode(errors="backslashreplace"))
    shown = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 4] + "...'"
    return f"{len(data)} byte{'s' if len(data) != 1 else ''}: {shown}"
