"""What is known of the names of a prompt at one point: bound or not, and with which type.

An ``Env`` is a value: statements make new ones, paths that meet are joined. ``None`` stands for the
environment of a point that cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sglc.compiler.frontend.sema.types import join, optional
from sglc.compiler.source import Span
from sglc.constraints.types import Type

Path = tuple[str, ...]


@dataclass(eq=False, slots=True)
class Variable:
    """A declared name: one for each place that declares it, shared by all environments.

    ``role`` is the message that is open where it is declared.
    """

    name: str
    span: Span
    kind: str
    role: str | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """What a name holds; ``maybe`` when some path to this point does not bind it."""

    variables: tuple[Variable, ...]
    type: Type
    maybe: bool = False
    selected: bool = False

    @property
    def read_type(self) -> Type:
        return optional(self.type) if self.maybe else self.type


@dataclass(frozen=True, slots=True)
class Env:
    """Bindings by name, types narrowed by tests by path, and names that live inside branches."""

    names: Mapping[str, Binding] = field(default_factory=dict)
    facts: Mapping[Path, Type] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)

    def bind(self, name: str, binding: Binding) -> Env:
        """Return the environment after ``name`` was given a value."""
        facts = {path: t for path, t in self.facts.items() if path[0] != name}
        return replace(self, names={**self.names, name: binding}, facts=facts)

    def learn(self, facts: Mapping[Path, Type]) -> Env:
        """Return the environment where a test gave ``facts``."""
        return replace(self, facts={**self.facts, **facts}) if facts else self

    def hide(self, names: Mapping[str, str]) -> Env:
        """Return the environment that knows where names inside branches are reached."""
        return replace(self, inside={**self.inside, **names}) if names else self


def join_envs(envs: Iterable[Env | None]) -> Env | None:
    """Return what holds where several paths meet."""
    joined: Env | None = None
    for env in envs:
        if env is not None:
            joined = env if joined is None else _join(joined, env)
    return joined


def _join(a: Env, b: Env) -> Env:
    if a is b:
        return a
    names = {
        name: _join_bindings(a.names.get(name), b.names.get(name))
        for name in (*a.names, *(name for name in b.names if name not in a.names))
    }
    facts: dict[Path, Type] = {}
    for path in (*a.facts, *(path for path in b.facts if path not in a.facts)):
        first, second = _known(a, path), _known(b, path)
        if first is not None and second is not None:
            fact = join(first, second)
            if len(path) > 1 or path[0] not in names or fact != names[path[0]].read_type:
                facts[path] = fact
    return Env(names, facts, {**a.inside, **b.inside})


def _known(env: Env, path: Path) -> Type | None:
    """What is known of a path: by a test, or for a name by what it was given."""
    if path in env.facts:
        return env.facts[path]
    binding = env.names.get(path[0]) if len(path) == 1 else None
    return None if binding is None else binding.read_type


def _join_bindings(a: Binding | None, b: Binding | None) -> Binding:
    if a is None or b is None:
        known = a or b
        assert known is not None
        return known if known.maybe else replace(known, maybe=True)
    if a is b:
        return a
    return Binding(
        tuple(dict.fromkeys((*a.variables, *b.variables))),
        join(a.type, b.type),
        a.maybe or b.maybe,
        a.selected and b.selected,
    )
