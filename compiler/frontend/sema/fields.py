"""Fields of records, branches and groups."""

from __future__ import annotations

from sglc.compiler.frontend.sema.types import ANY, NUMBER, STR, is_unknown, join_all, options_of
from sglc.compiler.frontend.static_types import BranchType, GroupType, StreamType
from sglc.constraints import types as t

_IMPLICIT: dict[str, t.Type] = {"text": STR, "logprob": NUMBER, "stream": StreamType()}


def field_type(owner: t.Type, name: str) -> t.Type | None:
    """Return the type of a field, of a list that of gathering it; None when there is none."""
    match owner:
        case t.Record(fields=fields):
            return next((field.type for field in fields if field.name == name), None)
        case BranchType(fields=fields):
            own = next((field.type for field in fields if field.name == name), None)
            return own or _IMPLICIT.get(name)
        case GroupType(branch=inner) | t.List(item=inner):
            found = field_type(inner, name)
            return None if found is None else t.List(found)
        case t.Union(options=options):
            found_all = [field_type(option, name) for option in options]
            known = [found for found in found_all if found is not None]
            return join_all(known) if len(known) == len(found_all) else None
    return ANY if is_unknown(owner) else None


def field_names(owner: t.Type) -> list[str]:
    """Return the fields that ``field_type`` knows."""
    match owner:
        case t.Record(fields=fields):
            return [field.name for field in fields]
        case BranchType(fields=fields):
            return [*(field.name for field in fields), *_IMPLICIT]
        case GroupType(branch=inner) | t.List(item=inner):
            return field_names(inner)
        case t.Union():
            named = [field_names(option) for option in options_of(owner)]
            return [name for name in named[0] if all(name in names for names in named)]
    return []
