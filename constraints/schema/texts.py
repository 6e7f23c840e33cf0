"""The strings that ``pattern``, ``format`` and the lengths of a subschema allow."""

from __future__ import annotations

from sglc.constraints.automaton import AutomatonTooLarge
from sglc.constraints.schema.errors import SchemaError, too_large
from sglc.constraints.schema.formats import FORMATS, format_texts
from sglc.constraints.schema.options import Limits, SchemaOptions
from sglc.constraints.schema.pattern import PatternError, found
from sglc.constraints.schema.resources import Subschema
from sglc.constraints.schema.strings import ALL_STRINGS, Strings


class Texts:
    """Sets of strings, by what asks for them."""

    def __init__(self, options: SchemaOptions, limits: Limits) -> None:
        self._formats = options.formats
        self._max_states = limits.max_states
        self._max_count = limits.max_count
        self._known: dict[tuple[Subschema, bool], Strings] = {}

    def of_keywords(self, sub: Subschema, surely: bool = True) -> Strings:
        """What the keywords for strings, but not ``enum`` and ``const``, say of a string.

        Raises:
            SchemaError: a pattern or a format that is refused.
        """
        if (sub, surely) not in self._known:
            self._known[sub, surely] = self._of_keywords(sub, surely)
        return self._known[sub, surely]

    def _of_keywords(self, sub: Subschema, surely: bool) -> Strings:
        words = sub.keywords
        most = words.get("maxLength")
        for word in ("minLength", "maxLength"):
            if words.get(word, 0) > self._max_count:
                raise SchemaError(
                    f"counting {words[word]} characters needs too many states",
                    sub.at(word),
                    f"leave it out, or count at most {self._max_count}",
                )
        strings = Strings(int(words.get("minLength", 0)), None if most is None else int(most))
        for word in ("pattern", "format"):
            if word not in words:
                continue
            if word == "pattern":
                more = self.of_pattern(words[word], sub.at(word), surely)
            else:
                more = self.of_format(words[word], sub.at(word))
            try:
                strings = strings.intersect(more, self._max_states)
            except AutomatonTooLarge as error:
                raise too_large(error, sub.at(word)) from None
        return strings

    def of_pattern(self, pattern: str, pointer: str, surely: bool = True) -> Strings:
        """The strings in which a pattern is found; not ``surely``: in one dialect at least."""
        try:
            automaton = found(pattern, self._max_states, surely)
        except PatternError as error:
            raise SchemaError(str(error), pointer, "write an equal regular expression") from None
        except AutomatonTooLarge as error:
            raise too_large(error, pointer) from None
        return Strings(inside=automaton) if pattern else ALL_STRINGS

    def of_format(self, name: str, pointer: str) -> Strings:
        """The strings of a format, all if formats are annotations."""
        if not self.enforces(name):
            if self._formats == "enforce":
                known = ", ".join(sorted(FORMATS))
                raise SchemaError(
                    f"the format `{name}` is not known",
                    pointer,
                    f"use a `pattern`, one of {known}, or formats='known'",
                )
            return ALL_STRINGS
        return Strings(inside=format_texts(name))

    def enforces(self, name: str) -> bool:
        """Whether a format is part of the language."""
        return self._formats != "annotate" and name in FORMATS
