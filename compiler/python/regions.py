"""Regions of the graph: what arms and turns hand on, so that each value is assigned once.

What a turn of a loop changes is found out by lowering its body until nothing new is changed; only
the last time counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sglc.compiler.ir.builder import RegionBuilder
from sglc.compiler.ir.op import Operand, Value
from sglc.compiler.ir.values import EFFECT, ValueType
from sglc.compiler.python.build import Build, Loop
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.values import (
    EFFECT_KEY,
    Data,
    Env,
    Key,
    Kind,
    Known,
    handed_operand,
    handed_type,
    is_operand,
    join_keys,
    joined_kind,
    made_inside,
    misses,
    sites_of,
)

Arm = tuple[RegionBuilder, Env]
_MAX_ROUNDS: Final = 12
MAX_TURNS: Final = 2**31 - 1
"""The limit of loops that have none in Python."""


def join_arms(build: Build, env: Env, op: str, operand: Operand, arms: Sequence[Arm]) -> None:
    """Emit a choice between arms; ``env`` is then what is known behind it."""
    function = build.function
    live = [end for _, end in arms if not end.ended]
    handed: dict[Key, Kind] = {}
    lost: dict[Key, Known] = {}
    if len(live) == 1:
        handed, lost = made_inside(env, live[0])
    elif live:
        handed, lost = join_keys(live)
    for region, end in arms:
        if not end.ended:
            with function.resumed(region):
                function.emit("yield", *(handed_operand(end, key) for key in handed))
    optional = {key: any(misses(end, key) for end in live) for key in handed}
    types = [_type(kind, optional[key], key) for key, kind in handed.items()]
    made = function.emit(
        op, operand, regions=[region for region, _ in arms], types=types,
        hint=[_hint(key) for key in handed],
    )  # fmt: skip
    if not live:
        function.emit("fail", "no way leads here")
        env.ended = True
        return
    env.slots = dict(live[0].slots)
    for (key, kind), value in zip(handed.items(), made.results, strict=True):
        may_miss = optional[key] and key != EFFECT_KEY
        env[key] = Data(value, kind, may_miss, sites_of((end for _, end in arms), key))
    for key, known in lost.items():
        env[key] = known


class Turns:
    """A loop that is being lowered: ``body`` lowers one turn, with the values of ``lead``."""

    def __init__(
        self,
        build: Build,
        env: Env,
        op: str,
        first: object,
        lead: Sequence[tuple[str | None, ValueType]],
        body: Callable[[Env, Sequence[Value]], None],
        *,
        runs: bool = False,
        leaves_by_condition: bool = False,
    ) -> None:
        """``runs``: there is a turn at least. ``leaves_by_condition``: a turn may end the loop with
        the values that it began with."""
        self.build = build
        self.env = env
        self.op = op
        self.first = first
        self.lead = lead
        self.body = body
        self.runs = runs and not leaves_by_condition
        self.carried: dict[Key, Kind] = {}
        self.lost: dict[Key, Known] = {}
        self.sites: dict[Key, frozenset[int]] = {}

    def lower(self) -> None:
        """Emit the loop; the environment is then what is known behind it."""
        build, env = self.build, self.env
        for _ in range(_MAX_ROUNDS):
            mark = build.mark()
            region, ends = self._turn()
            if not self._grow(ends):
                break
            build.rewind(mark)
        else:
            raise Unsupported("the loop changes too much")
        given = [handed_operand(env, key) for key in self.carried]
        made = build.function.emit(
            self.op, self.first, *given, regions=[region],
            types=[self._type(key) for key in self.carried],
            hint=[_hint(key) for key in self.carried],
        )  # fmt: skip
        sure = self.runs and bool(ends)
        for (key, kind), value in zip(self.carried.items(), made.results, strict=True):
            may_miss = misses(env, key) and not (sure and not any(misses(e, key) for e in ends))
            if misses(env, key) and not may_miss and key != EFFECT_KEY:
                value = build.function.one(
                    "narrow", value, types=handed_type(kind, may_miss=False), hint=_hint(key)
                )
            env[key] = Data(value, kind, may_miss and key != EFFECT_KEY, self.sites[key])
        for key, known in self.lost.items():
            env[key] = known

    def _type(self, key: Key) -> ValueType:
        return _type(self.carried[key], misses(self.env, key), key)

    def _turn(self) -> tuple[RegionBuilder, list[Env]]:
        """Lower a turn; return it, and where its ways end."""
        build, inner = self.build, self.env.copy()
        params = [*self.lead, *((_hint(key), self._type(key)) for key in self.carried)]
        loop = Loop(list(self.carried))
        with build.function.region("body", params=params) as region:
            values = region.params
            count = len(self.lead)
            for (key, kind), value in zip(self.carried.items(), values[count:], strict=True):
                may_miss = misses(self.env, key) and key != EFFECT_KEY
                inner.slots[key] = Data(value, kind, may_miss, self.sites[key])
            inner.slots.update(self.lost)
            with _around(build, loop):
                self.body(inner, values[:count])
            ends = [*loop.breaks, *loop.continues]
            if not inner.ended:
                build.function.emit("yield", *(self._operand(inner, key) for key in self.carried))
                ends.append(inner)
        return region, ends

    def _operand(self, env: Env, key: Key) -> Operand:
        known = env.get(key)
        if known is not None and not is_operand(known):
            return handed_operand(Env(), key)  # it is lost; this turn is lowered again
        return handed_operand(env, key)

    def _grow(self, ends: Sequence[Env]) -> bool:
        """Take in what turns change; return whether that was not known before."""
        handed, lost = join_keys([self.env, *(self._seen(end) for end in ends)])
        before = dict(self.carried), dict(self.lost), dict(self.sites)
        for key, kind in handed.items():
            if key not in self.lost:
                self.carried[key] = joined_kind((self.carried.get(key, kind), kind))
        for key, found in lost.items():
            self.lost.setdefault(key, found)
            self.carried.pop(key, None)
        for key in self.carried:
            self.sites[key] = sites_of((self.env, *ends), key) | self.sites.get(key, frozenset())
        return (self.carried, self.lost, self.sites) != before

    def _seen(self, end: Env) -> Env:
        """The end of a turn, as far as it may be met again."""
        return Env({key: known for key, known in end.slots.items() if _lasts(key, self.env)})


def _lasts(key: Key, env: Env) -> bool:
    """Whether a value is of something that there is outside of the turn."""
    if key[0] in ("stream", "role"):
        return key in env.slots
    if key[0] in ("var", "joined"):
        return ("stream", key[1]) in env.slots
    return True


@contextmanager
def _around(build: Build, loop: Loop) -> Iterator[None]:
    build.loops.append(loop)
    try:
        yield
    finally:
        build.loops.pop()


def leave_turn(build: Build, env: Env, op: str, loop: Loop) -> None:
    """Emit ``break`` or ``continue`` of the innermost loop: no way leads on."""
    operands = []
    for key in loop.carried:
        known = env.get(key)
        operands.append(handed_operand(env if is_operand(known) else Env(), key))
    build.function.emit(op, *operands)
    (loop.breaks if op == "break" else loop.continues).append(env.copy())
    env.ended = True


def _type(kind: Kind, may_miss: bool, key: Key) -> ValueType:
    if key == EFFECT_KEY:
        return EFFECT
    return handed_type(kind, may_miss=may_miss)


def _hint(key: Key) -> str | None:
    match key:
        case ("stream", _):
            return "s"
        case ("name", _, str(name)) | ("var", _, str(name)) if name.isidentifier():
            return name if name.isascii() else None
        case ("effect",):
            return "e"
    return None
