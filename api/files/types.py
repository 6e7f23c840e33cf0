"""Types of a program in Python: annotations, classes for its records, values as objects."""

from __future__ import annotations

import copy
import dataclasses
import keyword
import re
import typing
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Final

from sglc.compiler.plan.arguments import mismatch
from sglc.constraints import types as t

_TEXTS: Final = (
    t.Str, t.Line, t.Word, t.Regex, t.Literal, t.Concat, t.Grammar, t.Without, t.Sized, t.OneOf,
)  # fmt: skip


class Record:
    """The base of the classes that stand for records of a program; made by ``ProgramTypes``.

    ``_sglc_home`` is the file of the program and the name of the class in it: enough to find the
    class again in another process.
    """

    _sglc_home: ClassVar[tuple[str, str]]

    def __reduce__(self) -> tuple[Any, ...]:
        from sglc.files.loading import record_again

        fields = typing.cast("Any", dataclasses.fields(self))  # type: ignore[arg-type]  # of the subclass
        values = {field.name: getattr(self, field.name) for field in fields}
        return record_again, (*self._sglc_home, values)


class ProgramTypes:
    """The Python types of one program. A record type has one class, named as in the program.

    ``file`` is where the program lies, ``named`` its types by name.
    """

    def __init__(self, file: str, module: str, named: Mapping[str, t.Type]) -> None:
        self.classes: dict[str, type[Record]] = {}
        self._file = file
        self._module = module
        self._names = {type_: name for name, type_ in reversed([*named.items()])}
        self._taken = set(named)
        self._records: dict[t.Record, type[Record]] = {}

    def annotation(self, type_: t.Type, name: str) -> Any:
        """Return what a value of ``type_`` is in Python; ``name`` is for a record without one."""
        match type_:
            case t.Int():
                return int
            case t.Number():
                return float
            case t.Bool():
                return bool
            case t.NoneType():
                return None
            case t.Literal(value=text):
                return typing.Literal[text]
            case t.List(item=item):
                return list[self.annotation(item, f"{name}Item")]  # type: ignore[misc]  # as above
            case t.Record():
                return self.record(type_, name)
            case t.Optional(inner=inner):
                return typing.Optional[self.annotation(inner, name)]  # noqa: UP045
            case t.Union(options=options):
                texts = [option.value for option in options if isinstance(option, t.Literal)]
                if len(texts) == len(options):
                    return typing.Literal[tuple(texts)]
                parts = tuple(self.annotation(option, name) for option in options)
                return typing.Union[parts]  # noqa: UP007
            case t.Image() | t.Video():
                return str | bytes
        return str if isinstance(type_, _TEXTS) else Any

    def record(self, type_: t.Record, name: str) -> type[Record]:
        """Return the dataclass of a record type."""
        known = self._records.get(type_)
        if known is not None:
            return known
        name = self._names.get(type_) or self._free(name)
        fields = [self._field(field, name) for field in type_.fields]
        defaults = [field.default is not t.MISSING for field in type_.fields]
        made = dataclasses.make_dataclass(
            name,
            fields,
            bases=(Record,),
            namespace={"_sglc_home": (self._file, name)},
            kw_only=defaults != sorted(defaults),
        )
        made.__module__ = self._module
        made.__doc__ = f"{{{', '.join(map(str, type_.fields))}}}"
        self._records[type_] = self.classes[name] = made
        return made

    def _field(self, field: t.Field, owner: str) -> tuple[str, Any, Any]:
        attribute = python_name(field.name)
        hint = self.annotation(field.type, f"{owner}{camel(field.name)}")
        metadata = {} if attribute == field.name else {"alias": field.name}
        if field.default is t.MISSING:
            return attribute, hint, dataclasses.field(metadata=metadata)
        default = self.load(field.type, field.default)
        if default is None or isinstance(default, str | int | float):
            return attribute, hint, dataclasses.field(default=default, metadata=metadata)
        factory = partial(copy.deepcopy, default)  # nobody's list is another's
        return attribute, hint, dataclasses.field(default_factory=factory, metadata=metadata)

    def _free(self, name: str) -> str:
        taken = self._taken | self.classes.keys()
        numbered = (f"{name}{i}" for i in range(2, 2 + len(taken)))
        return next((each for each in (name, *numbered) if each not in taken), name)

    def load(self, type_: t.Type, value: Any) -> Any:
        """Return a value of ``type_`` as Python has it: records are objects of their classes.

        Branches of a fork and what has no type here stay as they are.
        """
        match type_:
            case t.Number() if isinstance(value, int) and not isinstance(value, bool):
                return float(value)
            case t.List(item=item) if isinstance(value, list | tuple):
                return [self.load(item, each) for each in value]
            case t.Optional(inner=inner) if value is not None:
                return self.load(inner, value)
            case t.Union(options=options):
                fits = (option for option in options if mismatch(option, value) is None)
                option = next(fits, None)
                return value if option is None else self.load(option, value)
            case t.Record(fields=fields) if isinstance(value, Mapping):
                held = {
                    python_name(field.name): self.load(field.type, value[field.name])
                    for field in fields
                    if field.name in value
                }
                return self.record(type_, "Record")(**held)
        return value


def python_name(name: str) -> str:
    """Return a name of a program as Python can write it: ``blood status`` is ``blood_status``."""
    made = re.sub(r"\W", "_", name)
    if not made or made[0].isdigit():
        made = f"_{made}"
    return f"{made}_" if keyword.iskeyword(made) else made


def camel(name: str) -> str:
    """Return a name as that of a class: ``text_qa`` is ``TextQa``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", name))
