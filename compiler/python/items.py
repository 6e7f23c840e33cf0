"""What loops go through whose items are known while a function is lowered."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sglc.compiler.python.build import Frame
from sglc.compiler.python.guard import MAX_ITEMS
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.values import Const, Env, Items, Known, StateRef, is_scalar

if TYPE_CHECKING:
    from sglc.compiler.python.expressions import Expressions

Item = Known | tuple["Item", ...]
_NOTHING: Final[Mapping[str, Known]] = {}


def items_of(
    expressions: Expressions,
    frame: Frame,
    env: Env,
    node: ast.expr,
    bound: Mapping[str, Known] = _NOTHING,
) -> list[Item] | None:
    """The items of something whose items are known, or of forks; None if it is neither.

    Raises:
        NotConstant: how many there are depends on a local that is not known.
    """
    group = expressions.group_of(frame, env, node)
    if group is not None:
        return [StateRef(number) for number in group.states]
    match node:
        case ast.Call(func=function, args=args, keywords=[]):
            if any(isinstance(arg, ast.Starred) for arg in args):
                return None
            if expressions.resolves(frame, function, range):
                numbers = [expressions.constant(frame, env, arg, bound) for arg in args]
                try:
                    found = range(*numbers)
                except (TypeError, ValueError):  # Python raises it where the loop begins
                    return None
                return _items(found)
            if args and expressions.resolves(frame, function, enumerate):
                inner = items_of(expressions, frame, env, args[0], bound)
                first = expressions.constant(frame, env, args[1], bound) if len(args) > 1 else 0
                if inner is not None and type(first) is int:
                    return [(Const(first + i), item) for i, item in enumerate(inner)]
            if expressions.resolves(frame, function, zip):
                columns = [items_of(expressions, frame, env, arg, bound) for arg in args]
                if all(column is not None for column in columns):
                    return list(zip(*columns, strict=False))
            return None
        case ast.Subscript(value=owner, slice=key):
            state = expressions.state_of(frame, env, owner, bound)
            if state is not None:
                name = expressions.constant(frame, env, key, bound)
                known = expressions.variable(env, state, name, node)
                return list(known.items) if isinstance(known, Items) else None
    given = expressions.constant(frame, env, node, bound)
    return _items(given) if isinstance(given, list | tuple | str | range) else None


def targets_of(target: ast.expr, item: Item) -> dict[str, Known]:
    """What the names of a target are bound to by an item.

    Raises:
        Unsupported: the target is more than names, or the item does not fit it.
    """
    match target:
        case ast.Name(id=name) if not isinstance(item, tuple):
            return {name: item}
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            if isinstance(item, tuple) and len(item) == len(elts):
                found: dict[str, Known] = {}
                for each, part in zip(elts, item, strict=True):
                    found |= targets_of(each, part)
                return found
    raise Unsupported("the target of the loop is not simple", target)


def _items(values: Sequence[object]) -> list[Item] | None:
    """The items of a sequence, if all are known and they are not too many to be listed."""
    if len(values) > MAX_ITEMS:
        return None
    made = [_item(each) for each in values]
    return None if any(each is None for each in made) else made  # type: ignore[return-value]  # not None


def _item(value: object) -> Item | None:
    if is_scalar(value):
        return Const(value)  # type: ignore[arg-type]  # it is a scalar
    if isinstance(value, tuple):
        items = tuple(map(_item, value))
        return None if any(each is None for each in items) else items  # type: ignore[return-value]
    return None
