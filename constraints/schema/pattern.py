"""``pattern``: the texts in which an ECMA-262 regular expression is found.

Python's parser reads the pattern after what the two dialects write differently is rewritten; what
they mean differently (``\\d``, ``\\w``, ``\\s``, ``.``, ``$``) is given its ECMA meaning here.
Anchors are letters of their own, two bytes that no UTF-8 has: a text is found if it, between as
many of them as the pattern can ask for, is in the language over the wider alphabet.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sglc.constraints import charset, syntax
from sglc.constraints.automaton import Automaton
from sglc.constraints.minimize import canonical
from sglc.constraints.schema.strings import any_text, anything
from sglc.constraints.syntax import Alt, Chars, Exactly, Node, Repeat, Text

_parser: Any = importlib.import_module("re._parser")
_c: Any = importlib.import_module("re._constants")

_BEGIN, _END = b"\xfe", b"\xff"
_MAX_ANCHORS = 100
_REFUSED = {
    _c.ASSERT: "a lookahead inside a group or a repetition",
    _c.ASSERT_NOT: "a lookahead inside a group or a repetition",
    _c.GROUPREF: "a backreference",
    _c.GROUPREF_EXISTS: "a conditional",
    _c.ATOMIC_GROUP: "an atomic group",
    _c.POSSESSIVE_REPEAT: "a possessive quantifier",
}
_BLANKS = charset.chars("\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff")
_CLASSES = {
    "DIGIT": charset.merge([(0x30, 0x39)]),
    "WORD": charset.merge([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]),
    "SPACE": charset.merge([*_BLANKS, (0x2000, 0x200A)]),
}
_NOT_LINE_END = charset.invert(charset.chars("\n\r\u2028\u2029"))
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
def found(pattern: str, max_states: int) -> Automaton:
    """All texts in which the pattern is found.

    Raises:
        PatternError: wrong syntax, or a construct that is refused.
        AutomatonTooLarge: more than ``max_states`` states.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            items = _parser.parse(_rewritten(pattern))
        return _found(list(items), max_states)
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
    if re.fullmatch("[LMNPSZC]|L[ultmoC]|M[nce]|N[dlo]|P[cdseifo]|S[mcko]|Z[slp]", kind) is None:
        raise PatternError(f"the property `{name}` is not known: use a general category")
    return charset.merge(
        (code, code)
        for code in range(charset.MAX_CHAR + 1)
        if unicodedata.category(chr(code)).startswith(starts)
    )


def _found(items: list[Any], max_states: int) -> Automaton:
    """The texts in which a sequence of the parser's items is found."""
    if len(items) == 1 and items[0][0] is _c.SUBPATTERN:
        return _found(list(items[0][1][-1]), max_states)
    if len(items) == 1 and items[0][0] is _c.BRANCH:
        parts = [_found(list(arm), max_states) for arm in items[0][1][1]]
        return Automaton.any_of(parts, max_states=max_states)
    begins, ends, body = _stripped(items)
    if _has(body, (_c.ASSERT, _c.ASSERT_NOT)):
        return _looking(body, begins, ends, max_states)
    if _has(body, (_c.AT,)):
        return _marked(items, max_states)
    before = [] if begins else [anything()]
    return syntax.seq(*before, _node(body), *([] if ends else [anything()])).automaton(
        max_states=max_states
    )


def _stripped(items: list[Any]) -> tuple[bool, bool, list[Any]]:
    begins = bool(items) and _is_anchor(items[0], True)
    body = items[1:] if begins else items
    ends = bool(body) and _is_anchor(body[-1], False)
    return begins, ends, body[:-1] if ends else body


def _is_anchor(item: Any, begin: bool) -> bool:
    return item[0] is _c.AT and item[1] is (_c.AT_BEGINNING if begin else _c.AT_END)


def _looking(body: list[Any], begins: bool, ends: bool, max_states: int) -> Automaton:
    """A sequence with lookaheads in it: what follows each must begin like it, or must not."""
    rest = Automaton.from_strings([""]) if ends else any_text()
    run: list[Any] = []
    for op, value in reversed(body):
        if op not in (_c.ASSERT, _c.ASSERT_NOT):
            run.insert(0, (op, value))
            continue
        rest = _node(run).automaton(max_states=max_states).concat(rest, max_states=max_states)
        run = []
        direction, inner = value
        if direction < 0:
            raise PatternError("lookbehind is not supported")
        ahead = _ahead(list(inner), max_states)
        both = op is _c.ASSERT
        rest = (rest.intersect if both else rest.difference)(ahead, max_states=max_states)
    rest = _node(run).automaton(max_states=max_states).concat(rest, max_states=max_states)
    return rest if begins else any_text().concat(rest, max_states=max_states)


def _ahead(items: list[Any], max_states: int) -> Automaton:
    """The texts that begin as a lookahead asks."""
    if len(items) == 1 and items[0][0] is _c.SUBPATTERN:
        return _ahead(list(items[0][1][-1]), max_states)
    if len(items) == 1 and items[0][0] is _c.BRANCH:
        parts = [_ahead(list(arm), max_states) for arm in items[0][1][1]]
        return Automaton.any_of(parts, max_states=max_states)
    ends = bool(items) and _is_anchor(items[-1], False)
    body = items[:-1] if ends else items
    if _has(body, (_c.AT,)):
        raise PatternError("an anchor inside a lookahead is not supported")
    if _has(body, (_c.ASSERT, _c.ASSERT_NOT)):
        return _looking(body, True, ends, max_states)
    return syntax.seq(_node(body), *([] if ends else [anything()])).automaton(max_states=max_states)


def _marked(items: list[Any], max_states: int) -> Automaton:
    """A sequence with anchors anywhere."""
    count = min(_num_anchors(items), _MAX_ANCHORS + 1)
    if count > _MAX_ANCHORS:
        raise PatternError(f"more than {_MAX_ANCHORS} anchors")
    letters = syntax.alt(Chars(charset.ANY_TEXT), _mark(_BEGIN), _mark(_END))
    around = Repeat(letters, 0, None)
    wide = syntax.seq(around, _node(items), around).automaton(max_states=max_states)
    inside = wide.after(_BEGIN * count)
    accepting = [
        s for s in range(inside.num_states) if inside.run(s, _END * count) in inside.accepting
    ]
    texts = Automaton(canonical(inside.classes, inside.rows, frozenset(accepting), inside.start))
    texts = texts.intersect(any_text(), max_states=max_states)
    empty = Automaton.from_strings([""])
    # Between the two ends of the empty text, anchors may come in any order.
    blank = wide.intersect(Automaton.from_strings([_BEGIN, _END]).star())
    texts = texts.difference(empty)
    return texts if blank.is_empty else texts.union(empty)


def _mark(byte: bytes) -> Node:
    return Exactly(Automaton.from_strings([byte]))


def _num_anchors(items: Any) -> int:
    """How many anchors one way through the pattern can meet and need."""
    total = 0
    for op, value in items:
        if op is _c.AT:
            total += 1
        elif op is _c.SUBPATTERN:
            total += _num_anchors(value[-1])
        elif op is _c.BRANCH:
            total += max(map(_num_anchors, value[1]))
        elif op in (_c.MAX_REPEAT, _c.MIN_REPEAT):
            total += max(value[0], 2) * _num_anchors(value[-1])
    return total


def _has(items: Any, ops: Sequence[Any]) -> bool:
    for op, value in items:
        if op in ops:
            return True
        if op is _c.BRANCH and any(_has(arm, ops) for arm in value[1]):
            return True
        if op in (_c.SUBPATTERN, _c.MAX_REPEAT, _c.MIN_REPEAT) and _has(value[-1], ops):
            return True
    return False


def _node(items: Any) -> Node:
    return syntax.seq(*(_item(op, value) for op, value in items))


def _item(op: Any, value: Any) -> Node:
    if op in _REFUSED:
        raise PatternError(f"{_REFUSED[op]} is not supported")
    if op is _c.AT:
        if value is _c.AT_BEGINNING:
            return _mark(_BEGIN)
        if value is _c.AT_END:
            return _mark(_END)
        raise PatternError("\\b and \\B are not supported")
    if op is _c.BRANCH:
        return syntax.alt(*map(_node, value[1]))
    if op is _c.SUBPATTERN:
        return _node(value[-1])
    if op is _c.MAX_REPEAT or op is _c.MIN_REPEAT:
        least, most, inner = value
        return Repeat(_node(inner), int(least), None if most is _c.MAXREPEAT else int(most))
    if op is _c.FAILURE:
        return Alt(())
    if op is _c.LITERAL:
        return Text(chr(value))
    return Chars(_chars(op, value))


def _chars(op: Any, value: Any) -> charset.Ranges:
    if op is _c.LITERAL:
        return ((value, value),)
    if op is _c.NOT_LITERAL:
        return charset.invert(((value, value),))
    if op is _c.ANY:
        return _NOT_LINE_END
    if op is _c.RANGE:
        return (value,)
    if op is _c.CATEGORY:
        name = str(value).removeprefix("CATEGORY_")
        ranges = _CLASSES[name.removeprefix("NOT_")]
        return charset.invert(ranges) if name.startswith("NOT_") else ranges
    assert op is _c.IN, op
    negated = bool(value) and value[0][0] is _c.NEGATE
    ranges = charset.merge(pair for o, v in value[negated:] for pair in _chars(o, v))
    return charset.invert(ranges) if negated else ranges
