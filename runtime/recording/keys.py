"""What the answer of a model call depends on, as data and as a key.

The key is a digest of the tokens before the op, of the op, and of the namespace. What changes no
answer is left out: the label, what is said of what follows (``expect``, ``ahead``, ``then``), and
``jump``, which only allows a backend to write forced text faster. The number that random draws are
made from counts where some are made; elsewhere it only says which one of several equal calls it is.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import MISSING, fields
from typing import Any, Final

from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Constraint, Decode, TokenReport
from sglc.runtime.executor.walk import Asked, CallOp

_NO_PART: Final = frozenset({"key", "label", "expect", "ahead", "jump", "then"})


def call_key(asked: Asked) -> str:
    """Return the hex digest of all that the answer depends on."""
    op = asked.op
    is_drawn = isinstance(op, Decode) and not op.sampling.is_greedy
    parts = [op_data(op), asked.namespace, call_site(asked) if is_drawn else None]
    digest = hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16)
    digest.update(struct.pack(f"<{len(asked.ids)}q", *asked.ids))
    return digest.hexdigest()


def call_site(asked: Asked) -> str:
    """Return which one of several equal calls it is; nothing if nobody says so."""
    number = asked.op.key if isinstance(asked.op, Decode) else 0
    return f"{number:016x}" if number else ""


def op_data(op: CallOp) -> dict[str, Any]:
    """Return an op as JSON: its kind, and what differs from the defaults."""
    return {"op": type(op).__name__.lower(), **_changed(op, _NO_PART)}


def _changed(value: Any, left_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults."""
    found = {}
    for field in fields(value):
        held = getattr(value, field.name)
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        if field.name not in left_out and held != default:
            found[field.name] = _plain(held)
    return found


def _plain(value: Any) -> Any:
    match value:
        case SamplingParams() | TokenReport():
            return _changed(value)
        case Constraint():
            rules = {f.name: getattr(value, f.name) for f in fields(value)}
            kept = {name: _plain(rules[name]) for name in ("end", "closing", "done")}
            return {"digest": value.machine.digest, **kept}
        case frozenset():
            return sorted(value)
        case bytes():
            return value.hex()
        case tuple():
            return [_plain(item) for item in value]
    return value
