"""``pattern``: the texts in which a regular expression is found.

The standard says ECMA-262, validators are written in Python too. Python's parser reads the
pattern after what the two dialects write differently is rewritten. What they mean differently
(``\\d``, ``\\w``, ``\\s``, ``.``, ``$`` before a last line end) gives two languages: ``surely`` the
texts in which the pattern is found in both dialects, else those in which it is in either. What is
written is then valid for all validators.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
import warnings
from functools import lru_cache
from typing import Any

from sglc.constraints import charset, syntax
from sglc.constraints.assertions import (
    ANYTHING,
    AT_END,
    AT_START,
    BEFORE_LAST_NEWLINE,
    MARKS,
    Asserted,
    Assertion,
    Mark,
    Unlike,
    boundary,
    no_boundary,
)
from sglc.constraints.automaton import Automaton
from sglc.constraints.patterns import char_set
from sglc.constraints.syntax import Alt, Chars, Node, Repeat, Text

_parser: Any = importlib.import_module("re._parser")
_c: Any = importlib.import_module("re._constants")

_REFUSED = {
    _c.GROUPREF: "a backreference",
    _c.GROUPREF_EXISTS: "a conditional",
    _c.ATOMIC_GROUP: "an atomic group",
    _c.POSSESSIVE_REPEAT: "a possessive quantifier",
}
_WORD = charset.merge([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
_BLANKS = charset.merge(
    [*charset.chars("\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"), (0x2000, 0x200A)]
)
_ECMA = {"DIGIT": ((0x30, 0x39),), "WORD": _WORD, "SPACE": _BLANKS}
_PYTHON = {"DIGIT": r"\d", "WORD": r"\w", "SPACE": r"\s"}
_AT = {
    _c.AT_BEGINNING: AT_START,
    _c.AT_END: AT_END,
    _c.AT_BOUNDARY: boundary(_WORD),
    _c.AT_NON_BOUNDARY: no_boundary(_WORD, nor_in_empty=False),
}
_NO_NEWLINE = charset.invert(charset.chars("\n"))
_NO_LINE_END = charset.invert(charset.chars("\n\r\u2028\u2029"))
_PROPERTIES = {
    "Letter": "L",
    "Cased_Letter": "LC",
    "Uppercase_Letter": "Lu",
    "Lowercase_Letter": "Ll",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "digit": "Nd",
    "Punctuation": "P",
    "punct": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Space_Separator": "Zs",
}
_TOKEN = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\c[A-Za-z]|\\[pP]\{[^}]*\}|\\.|\[\^?\]?|\]|\(\?<(?![=!])|\{,|\(\?[aiLmsux-]|.",
    re.DOTALL,
)


class PatternError(ValueError):
    """A pattern that is wrong or not regular."""


@lru_cache(maxsize=512)
def found(pattern: str, max_states: int, surely: bool = True) -> Automaton:
    """All texts in which the pattern is found.

    Raises:
        PatternError: wrong syntax, or a construct that is refused.
        AutomatonTooLarge: more than ``max_states`` states.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = _parser.parse(_rewritten(pattern))
        return _found(list(items), surely).automaton(max_states=max_states)
    except re.error as error:
        raise PatternError(f"{error.msg} in the pattern /{pattern}/") from None
    except RecursionError:
        raise PatternError("the pattern nests too deeply") from None
    except OverflowError as error:
        raise PatternError(f"{error} in the pattern /{pattern}/") from None


def _rewritten(pattern: str) -> str:
    """The pattern as Python writes it."""
    out: list[str] = []
    inside = False
    for match in _TOKEN.finditer(pattern):
        token = match.group()
        if len(token) == 12 and token.startswith("\\u"):
            pair = bytes.fromhex(token[2:6] + token[8:]).decode("utf-16-be")
            token = re.escape(pair)
        elif token[:2] == "\\c" and len(token) == 3:
            token = f"\\x{ord(token[2]) % 32:02x}"
        elif token[:2] in ("\\p", "\\P"):
            token = _property_class(token, inside)
        elif token in ("\\A", "\\Z", "\\U", "\\N", "\\a", "\\p", "\\P"):
            raise PatternError(f"`{token}` has no meaning in ECMA-262")
        elif not inside and token in ("[]", "[^]"):
            token = "(?!)" if token == "[]" else r"[\s\S]"
        elif not inside and token.startswith("["):
            inside = True
        elif inside and token.startswith("["):
            token = token.replace("[", r"\[")
            inside = not token.endswith("]")
        elif token == "]":
            inside = False
        elif not inside and token.startswith("(?<"):
            token = "(?P<"
        elif not inside and token == "{,":
            token = r"\{,"
        elif not inside and token.startswith("(?") and token[-1] in "aiLmsux-":
            raise PatternError("flags inside a pattern are not ECMA-262")
        out.append(token)
    return "".join(out)


def _property_class(token: str, inside: bool) -> str:
    ranges = _property(token[3:-1])
    if token[1] == "P":
        ranges = charset.invert(ranges)
    body = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
    return body if inside else f"[{body}]"


@lru_cache(maxsize=32)
def _property(name: str) -> charset.Ranges:
    kind = name.removeprefix("General_Category=").removeprefix("gc=").removeprefix("L=")
    kind = _PROPERTIES.get(kind, kind)
    if kind == "ASCII":
        return ((0, 0x7F),)
    starts = ("Lu", "Ll", "Lt") if kind == "LC" else (kind,)
    if (
        re.fullmatch("[LMNPSZC]|LC|L[ultmo]|M[nce]|N[dlo]|P[cdseifo]|S[mcko]|Z[slp]|C[cfno]", kind)
        is None
    ):
        raise PatternError(f"the property `{name}` is not known: use a general category")
    return charset.merge(
        (code, code)
        for code in range(charset.MAX_CHAR + 1)
        if unicodedata.category(chr(code)).startswith(starts)
    )


def _found(items: list[Any], surely: bool) -> Node:
    """The texts in which a sequence of the parser's items is found."""
    if len(items) == 1 and items[0][0] is _c.SUBPATTERN:
        return _found(list(items[0][1][-1]), surely)
    if len(items) == 1 and items[0][0] is _c.BRANCH:
        return syntax.alt(*(_found(list(arm), surely) for arm in items[0][1][1]))
    begins, ends, body = _stripped(items)
    reader = _Reader(surely)
    before = () if begins else (ANYTHING,)
    after = (_end(surely),) if ends else (ANYTHING,)
    whole = syntax.seq(*before, reader.sequence(body), *after)
    return Asserted(whole, tuple(reader.assertions)) if reader.assertions else whole


def _stripped(items: list[Any]) -> tuple[bool, bool, list[Any]]:
    """Whether there are anchors at both ends of a sequence, and what is between them."""
    begins = bool(items) and _is_anchor(items[0], _c.AT_BEGINNING)
    body = items[1:] if begins else items
    ends = bool(body) and _is_anchor(body[-1], _c.AT_END)
    return begins, ends, body[:-1] if ends else body


def _is_anchor(item: Any, which: Any) -> bool:
    return item[0] is _c.AT and item[1] is which


def _end(surely: bool) -> Node:
    """What may be behind ``$``."""
    return Text("") if surely else syntax.optional(Text("\n"))


class _Reader:
    """Turns the parser's tree into ours. ``assertions`` are those that marks stand for."""

    def __init__(self, surely: bool) -> None:
        self._surely = surely
        self.assertions: dict[Assertion, int] = {}
        self._is_looking = False

    def sequence(self, items: Any) -> Node:
        return syntax.seq(*(self._item(op, value) for op, value in items))

    def _item(self, op: Any, value: Any) -> Node:
        if op in _REFUSED:
            raise PatternError(f"{_REFUSED[op]} is not supported")
        if op is _c.AT:
            if value is _c.AT_END and not self._surely:
                return self._mark(BEFORE_LAST_NEWLINE)
            return self._mark(_AT[value])
        if op is _c.ASSERT or op is _c.ASSERT_NOT:
            return self._look(*value, negated=op is _c.ASSERT_NOT)
        if op is _c.BRANCH:
            return syntax.alt(*map(self.sequence, value[1]))
        if op is _c.SUBPATTERN:
            return self.sequence(value[-1])
        if op is _c.MAX_REPEAT or op is _c.MIN_REPEAT:
            least, most, inner = value
            limit = None if most is _c.MAXREPEAT else int(most)
            return Repeat(self.sequence(inner), int(least), limit)
        if op is _c.FAILURE:
            return Alt(())
        if op is _c.LITERAL:
            return Text(chr(value))
        return Chars(_chars(op, value, self._surely))

    def _look(self, direction: int, inner: Any, *, negated: bool) -> Node:
        if self._is_looking:
            raise PatternError("lookaround inside of lookaround is not supported")
        self._is_looking = True
        surely, self._surely = self._surely, self._surely != negated
        seen = self._seen(list(inner), behind=direction < 0)
        self._surely = surely
        self._is_looking = False
        bad = seen if negated else Unlike(seen)
        return self._mark(Assertion(((bad, ANYTHING) if direction < 0 else (ANYTHING, bad),)))

    def _seen(self, items: list[Any], *, behind: bool) -> Node:
        """The texts that end, or begin, as lookaround asks; anchors at their far ends count."""
        if len(items) == 1 and items[0][0] is _c.SUBPATTERN:
            return self._seen(list(items[0][1][-1]), behind=behind)
        if len(items) == 1 and items[0][0] is _c.BRANCH:
            arms = items[0][1][1]
            return syntax.alt(*(self._seen(list(arm), behind=behind) for arm in arms))
        begins, ends, body = _stripped(items)
        if (begins and not behind) or (ends and behind):
            raise PatternError("an anchor at the near end of lookaround is not supported")
        inner = self.sequence(body)
        if begins or ends:
            return syntax.seq(inner, _end(self._surely)) if ends else inner
        return syntax.seq(ANYTHING, inner) if behind else syntax.seq(inner, ANYTHING)

    def _mark(self, assertion: Assertion) -> Node:
        if self._is_looking:
            raise PatternError("an anchor or \\b inside of lookaround is not supported")
        number = self.assertions.setdefault(assertion, len(self.assertions))
        if number == len(MARKS):
            raise PatternError(f"more than {len(MARKS)} different assertions")
        return Mark(MARKS[number])


def _chars(op: Any, value: Any, surely: bool) -> charset.Ranges:
    """The characters of a set: those that surely are in it, or else that may be."""
    if op is _c.LITERAL:
        return ((value, value),)
    if op is _c.NOT_LITERAL:
        return charset.invert(((value, value),))
    if op is _c.ANY:
        return _NO_LINE_END if surely else _NO_NEWLINE
    if op is _c.RANGE:
        return (value,)
    if op is _c.CATEGORY:
        name = str(value).removeprefix("CATEGORY_")
        if name.startswith("NOT_"):
            return charset.invert(_category(name.removeprefix("NOT_"), not surely))
        return _category(name, surely)
    assert op is _c.IN, op
    negated = bool(value) and value[0][0] is _c.NEGATE
    parts = [_chars(o, v, surely != negated) for o, v in value[negated:]]
    ranges = charset.merge(pair for part in parts for pair in part)
    return charset.invert(ranges) if negated else ranges


@lru_cache(maxsize=8)
def _category(name: str, surely: bool) -> charset.Ranges:
    """The characters of an escape on which both dialects agree; or that it has in either."""
    ecma, python = _ECMA[name], char_set(_PYTHON[name])
    return charset.intersect(ecma, python) if surely else charset.merge([*ecma, *python])
