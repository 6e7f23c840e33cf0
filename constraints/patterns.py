"""Python regexes, the regular subset, with the meaning of ``re.fullmatch``.

The standard library's own parser reads the pattern, so syntax is Python's by construction. What
no automaton can do, or what depends on the order of backtracking, is refused with its place.
"""

from __future__ import annotations

import importlib
import re
import warnings
from functools import lru_cache
from typing import Any

from sglc.constraints import charset, syntax
from sglc.constraints.regex_scan import scan
from sglc.constraints.syntax import Alt, Chars, Node, Repeat, Text

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")
_c: Any = importlib.import_module("re._constants")

_CASED = re.IGNORECASE | re.ASCII
_REFUSED = {
    _c.ASSERT: "lookaround",
    _c.ASSERT_NOT: "lookaround",
    _c.GROUPREF: "backreference",
    _c.GROUPREF_EXISTS: "conditional",
    _c.ATOMIC_GROUP: "atomic group",
    _c.POSSESSIVE_REPEAT: "possessive quantifier",
}
_BEGIN = {_c.AT_BEGINNING, _c.AT_BEGINNING_STRING}
_END = {_c.AT_END, _c.AT_END_STRING}
_WHY = {
    "lookaround": "lookahead and lookbehind are not supported",
    "backreference": "a backreference is not regular",
    "conditional": "a conditional on a group is not regular",
    "atomic group": "atomic groups are not supported: write (?:...)",
    "possessive quantifier": "possessive quantifiers are not supported: drop the `+`",
    "boundary": "\\b and \\B are not supported",
    "anchor": "an anchor inside a pattern is not supported: the whole text is matched anyway",
}


class RegexError(ValueError):
    """A pattern that is wrong or not regular. ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int, pattern: str) -> None:
        super().__init__(f"{message} at position {position} of /{pattern}/")
        self.message = message
        self.position = position
        self.pattern = pattern


class _Refused(Exception):
    def __init__(self, feature: str) -> None:
        super().__init__(feature)
        self.feature = feature


@lru_cache(maxsize=512)
def parse_regex(pattern: str) -> Node:
    """The syntax of ``pattern``, from which its automaton and its bounds are made.

    Raises:
        RegexError: wrong syntax, or something that is refused (lookaround, backreferences, \\b,
            anchors other than at the ends, possessive and atomic groups).
    """
    try:
        return _read(pattern)
    except re.error as error:
        raise RegexError(error.msg, error.pos or 0, pattern) from None
    except RecursionError:
        raise RegexError("nested too deeply", 0, pattern) from None
    except (OverflowError, ValueError) as error:  # huge counts, flags that exclude each other
        raise RegexError(str(error), 0, pattern) from None
    except _Refused as error:
        raise RegexError(_WHY[error.feature], _place(pattern, error.feature), pattern) from None


def ascii_only(pattern: str) -> str:
    """The pattern with ``\\w``, ``\\d``, ``\\s`` and the like meaning ASCII characters only."""
    flags = re.match(r"\(\?([aiLmsux]+)\)", pattern)
    if flags is None:
        return f"(?a){pattern}"
    return pattern if "a" in flags[1] else f"(?a{flags[1]}){pattern[flags.end() :]}"


@lru_cache(maxsize=512)
def char_set(pattern: str) -> charset.Ranges:
    """The characters that ``pattern``, a regex of one character, matches.

    Raises:
        RegexError: as ``parse_regex``, or the pattern matches something else than one character.
    """
    ranges = _single(parse_regex(pattern))
    if ranges is None:
        raise RegexError("must match exactly one character, such as [a-z]", 0, pattern)
    return ranges


def _single(node: Node) -> charset.Ranges | None:
    match node:
        case Chars(ranges):
            return ranges
        case Text(text) if len(text) == 1:
            return charset.chars(text)
        case Repeat(inner, 1, 1):
            return _single(inner)
        case Alt(options):
            sets = [_single(option) for option in options]
            if None not in sets:
                return charset.merge(pair for ranges in sets if ranges for pair in ranges)
    return None


def _read(pattern: str) -> Node:
    parsed = _tree(pattern)
    return _Reader().sequence(parsed, parsed.state.flags, True, True)


def _tree(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `[[` and the like: a hint to authors of future syntax
        return _parser.parse(pattern)


def _place(pattern: str, feature: str) -> int:
    """Where the first refused use of ``feature`` is.

    Features are found in the text, as the parser keeps no places. An anchor may be refused or
    not: the first one that is refused even with all later ones taken out is the culprit.
    """
    verbose = bool(_tree(pattern).state.flags & re.VERBOSE)
    tokens = [token for token in scan(pattern, verbose) if token.feature == feature]
    if feature != "anchor":
        return tokens[0].start if tokens else 0
    shorter = pattern
    for token in reversed(tokens):
        culprit = token.start
        shorter = shorter[: token.start] + "(?:)" + shorter[token.end :]
        try:
            _read(shorter)
        except _Refused:
            continue
        except re.error:
            pass
        return culprit
    return 0


class _Reader:
    """Turns the parser's tree into ours. ``start``/``end``: nothing is read before / after."""

    def sequence(self, items: Any, flags: int, start: bool, end: bool) -> Node:
        nodes: list[Node] = []
        items = list(items)
        for i, (op, value) in enumerate(items):
            at_start = start and all(_reads_nothing(item) for item in items[:i])
            at_end = end and all(_reads_nothing(item) for item in items[i + 1 :])
            nodes.append(self._item(op, value, flags, at_start, at_end))
        return syntax.seq(*nodes)

    def _item(self, op: Any, value: Any, flags: int, start: bool, end: bool) -> Node:
        if op in _REFUSED:
            raise _Refused(_REFUSED[op])
        if op is _c.AT:
            if value in _BEGIN or value in _END:
                if (value in _BEGIN and start) or (value in _END and end):
                    return Text("")
                raise _Refused("anchor")
            raise _Refused("boundary")
        if op is _c.BRANCH:
            return syntax.alt(*(self.sequence(arm, flags, start, end) for arm in value[1]))
        if op is _c.SUBPATTERN:
            _, added, removed, inner = value
            return self.sequence(inner, (flags | added) & ~removed, start, end)
        if op is _c.MAX_REPEAT or op is _c.MIN_REPEAT:
            least, most, inner = value
            once = most == 1
            node = self.sequence(inner, flags, start and once, end and once)
            return Repeat(node, int(least), None if most is _c.MAXREPEAT else int(most))
        if op is _c.FAILURE:
            return Alt(())
        if op is _c.LITERAL and not flags & re.IGNORECASE:
            return Text(chr(value))
        return Chars(_chars(op, value, flags))


def _reads_nothing(item: tuple[Any, Any]) -> bool:
    op, value = item
    if op is _c.SUBPATTERN:
        return all(map(_reads_nothing, value[-1]))
    return op is _c.AT


def _chars(op: Any, value: Any, flags: int) -> charset.Ranges:
    if flags & re.IGNORECASE:
        return _chars_any_case(op, value, flags)
    if op is _c.LITERAL:
        return ((value, value),)
    if op is _c.NOT_LITERAL:
        return charset.invert(((value, value),))
    if op is _c.ANY:
        return charset.ANY_CHAR if flags & re.DOTALL else charset.invert(((10, 10),))
    if op is _c.RANGE:
        return (value,)
    if op is _c.CATEGORY:
        return _category(value, bool(flags & re.ASCII))
    assert op is _c.IN, op
    negated = bool(value) and value[0][0] is _c.NEGATE
    parts = [_chars(o, v, flags) for o, v in value[negated:]]
    ranges = charset.merge(pair for part in parts for pair in part)
    return charset.invert(ranges) if negated else ranges


@lru_cache(maxsize=16)
def _category(category: Any, ascii_only: bool) -> charset.Ranges:
    letter = str(category).removeprefix("CATEGORY_")
    escape = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[letter.removeprefix("NOT_")]
    if letter.startswith("NOT_"):
        escape = escape.upper()
    return charset.matched(re.compile(f"\\{escape}+", re.ASCII if ascii_only else 0))


def _chars_any_case(op: Any, value: Any, flags: int) -> charset.Ranges:
    """Ignoring case: as written for characters without case, the engine's answer for the rest."""
    plain = _chars(op, value, flags & ~re.IGNORECASE)
    tree = _parser.SubPattern(_parser.State(), [(op, value)])
    tree.state.flags = flags & (_CASED | re.DOTALL | re.UNICODE)
    one = _compiler.compile(tree, tree.state.flags)
    cased = _cased()
    found = charset.chars(c for c in cased if one.fullmatch(c))
    without = charset.intersect(plain, charset.invert(charset.chars(cased)))
    return charset.merge(without + found)


@lru_cache(maxsize=1)
def _cased() -> tuple[str, ...]:
    """All characters that have a lower or an upper case, found block by block."""
    found: list[str] = []
    for low in range(0, charset.MAX_CHAR + 1, 256):
        block = "".join(map(chr, range(low, low + 256)))
        if block.lower() != block or block.upper() != block:
            found += [c for c in block if c.lower() != c or c.upper() != c]
    return tuple(found)
