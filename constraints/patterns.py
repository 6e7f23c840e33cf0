"""Python regexes, the regular subset, with the meaning of ``re.fullmatch``.

The standard library's own parser reads the pattern, so syntax is Python's by construction. What
no automaton can do, or what depends on the order of backtracking, is refused with its place.
Anchors, word boundaries and lookaround hold or fail at a place of the text: see ``assertions``.
"""

from __future__ import annotations

import importlib
import re
import warnings
from functools import lru_cache
from typing import Any

from sglc.constraints import assertions, charset, syntax
from sglc.constraints.assertions import Asserted, Assertion, Mark
from sglc.constraints.regex_scan import place
from sglc.constraints.syntax import Alt, Chars, Node, Repeat, Text

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")
_c: Any = importlib.import_module("re._constants")

MAX_PATTERN = 250_000  # characters, which take a second to read
MAX_DEPTH = 100  # of groups and repetitions, for which a tree is walked by recursion
_MAX_SHOWN = 200  # characters of a pattern in a message
_CASED = re.IGNORECASE | re.ASCII
_ALPHABETS = re.ASCII | re.UNICODE | re.LOCALE  # one of them at a time
_REFUSED = {
    _c.GROUPREF_EXISTS: "conditional",
    _c.ATOMIC_GROUP: "atomic group",
    _c.POSSESSIVE_REPEAT: "possessive quantifier",
}
_BEGIN = {_c.AT_BEGINNING, _c.AT_BEGINNING_STRING}
_END = {_c.AT_END, _c.AT_END_STRING}
_WHY = {
    "backreference": "a backreference to more than one possible text is not regular",
    "conditional": "a conditional on a group is not regular",
    "atomic group": "atomic groups are not supported: write (?:...)",
    "possessive quantifier": "possessive quantifiers are not supported: drop the `+`",
    "nested": "inside of a lookaround, \\b, lookaround and most anchors are not supported",
    "deep": f"nested deeper than {MAX_DEPTH}",
    "marks": f"more than {len(assertions.MARKS)} different assertions",
}
_NO_BOUNDARY_IN_EMPTY = re.fullmatch(r"\B", "") is None  # changed in Python 3.14


class RegexError(ValueError):
    """A pattern that is wrong or not regular. ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int, pattern: str) -> None:
        super().__init__(f"{message} at position {position} of {_shown(pattern, position)}")
        self.message = message
        self.position = position
        self.pattern = pattern

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.position, self.pattern)


def _shown(pattern: str, position: int) -> str:
    """The pattern, or what stands around the place in a long one."""
    if len(pattern) <= _MAX_SHOWN:
        return f"/{pattern}/"
    start = max(min(position - _MAX_SHOWN // 2, len(pattern) - _MAX_SHOWN), 0)
    end = start + _MAX_SHOWN
    return f"/{'...' * (start > 0)}{pattern[start:end]}{'...' * (end < len(pattern))}/"


class _Refused(Exception):
    def __init__(self, feature: str) -> None:
        super().__init__(feature)
        self.feature = feature


@lru_cache(maxsize=512)
def parse_regex(pattern: str) -> Node:
    """The syntax of ``pattern``, from which its automaton and its bounds are made.

    Raises:
        RegexError: wrong syntax, something that is refused (backreferences, conditionals,
            possessive quantifiers and atomic groups), more than ``MAX_PATTERN`` characters or
            nested deeper than ``MAX_DEPTH``.
    """
    if len(pattern) > MAX_PATTERN:
        raise RegexError(f"longer than {MAX_PATTERN} characters", MAX_PATTERN, pattern)
    try:
        return _read(pattern)
    except re.error as error:
        raise RegexError(error.msg, error.pos or 0, pattern) from None
    except RecursionError:
        raise RegexError(_WHY["deep"], 0, pattern) from None
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
    reader = _Reader()
    node = reader.sequence(parsed, parsed.state.flags, True, True)
    return Asserted(node, tuple(reader.assertions)) if reader.assertions else node


def _tree(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `[[` and the like: a hint to authors of future syntax
        return _parser.parse(pattern)


def _place(pattern: str, feature: str) -> int:
    """Where the first refused use of ``feature`` is. The parser keeps no places."""
    verbose = bool(_tree(pattern).state.flags & re.VERBOSE)
    return place(pattern, feature, verbose)


class _Reader:
    """Turns the parser's tree into ours. ``start``/``end``: nothing is read before / after."""

    def __init__(self) -> None:
        self.assertions: dict[Assertion, int] = {}
        self._depth = 0
        self._is_looking = False
        self._said: dict[int, Text] = {}  # groups that have matched this text, whatever the rest

    def sequence(self, items: Any, flags: int, start: bool, end: bool) -> Node:
        if self._depth > MAX_DEPTH:
            raise _Refused("deep")
        self._depth += 1
        nodes: list[Node] = []
        reading = [i for i, item in enumerate(items) if not _reads_nothing(item)]
        first, last = (reading[0], reading[-1]) if reading else (len(items), -1)
        for i, (op, value) in enumerate(items):
            nodes.append(self._item(op, value, flags, start and i <= first, end and i >= last))
        self._depth -= 1
        return syntax.seq(*nodes)

    def _item(self, op: Any, value: Any, flags: int, start: bool, end: bool) -> Node:
        if op in _REFUSED:
            raise _Refused(_REFUSED[op])
        if op is _c.AT:
            if (value in _BEGIN and start) or (value in _END and end):
                return Text("")
            return self._mark(_at(value, flags))
        if op is _c.ASSERT or op is _c.ASSERT_NOT:
            return self._look(value, flags, negated=op is _c.ASSERT_NOT)
        if op is _c.BRANCH:
            return syntax.alt(*(self._part(arm, flags, start, end) for arm in value[1]))
        if op is _c.SUBPATTERN:
            group, _, _, inner = value
            node = self.sequence(inner, _inside(value, flags), start, end)
            if group is not None and isinstance(node, Text):
                self._said[group] = node
            return node
        if op is _c.GROUPREF:
            if value not in self._said or flags & re.IGNORECASE:
                raise _Refused("backreference")
            return self._said[value]
        if op is _c.MAX_REPEAT or op is _c.MIN_REPEAT:
            least, most, inner = value
            once = most == 1
            node = self._part(inner, flags, start and once, end and once)
            return Repeat(node, int(least), None if most is _c.MAXREPEAT else int(most))
        if op is _c.FAILURE:
            return Alt(())
        if op is _c.LITERAL and not flags & re.IGNORECASE:
            return Text(chr(value))
        return Chars(_chars(op, value, flags))

    def _part(self, items: Any, flags: int, start: bool, end: bool) -> Node:
        """A sequence that may be passed by: its groups mean nothing outside of it."""
        before = dict(self._said)
        node = self.sequence(items, flags, start, end)
        self._said = before
        return node

    def _look(self, value: Any, flags: int, *, negated: bool) -> Node:
        direction, inner = value
        behind = direction < 0
        if behind and len(set(inner.getwidth())) > 1:
            raise ValueError("look-behind requires fixed-width pattern")
        if self._is_looking:
            raise _Refused("nested")
        self._is_looking = True
        seen = self._seen(list(inner), flags, behind)
        self._is_looking = False
        return self._mark(assertions.look(seen, behind=behind, negated=negated))

    def _seen(self, items: list[Any], flags: int, behind: bool) -> Node:
        """All that may follow where a lookahead holds, or come before a lookbehind.

        An anchor at the far end of it says what more there may be: nothing, or other lines.
        """
        if len(items) == 1:
            op, value = items[0]
            if op is _c.BRANCH:
                return syntax.alt(*(self._seen(list(arm), flags, behind) for arm in value[1]))
            if op is _c.SUBPATTERN:
                return self._seen(list(value[-1]), _inside(value, flags), behind)
        far = 0 if behind else len(items) - 1
        more: Node = assertions.ANYTHING
        if items and items[far][0] is _c.AT and items[far][1] in (_BEGIN if behind else _END):
            more = _beyond(items[far][1], flags)
            del items[far]
        node = self._part(items, flags, False, False)
        return syntax.seq(more, node) if behind else syntax.seq(node, more)

    def _mark(self, assertion: Assertion) -> Node:
        if self._is_looking:
            raise _Refused("nested")
        number = self.assertions.setdefault(assertion, len(self.assertions))
        if number == len(assertions.MARKS):
            raise _Refused("marks")
        return Mark(assertions.MARKS[number])


def _inside(group: Any, flags: int) -> int:
    """The flags inside of a group."""
    _, added, removed, _ = group
    kept = flags & ~_ALPHABETS if added & _ALPHABETS else flags
    return int((kept | added) & ~removed)


def _beyond(code: Any, flags: int) -> Node:
    """The texts before a beginning or after an end."""
    if code is _c.AT_BEGINNING_STRING or code is _c.AT_END_STRING:
        return assertions.NOTHING
    if code is _c.AT_BEGINNING:
        return assertions.LINES_BEFORE if flags & re.MULTILINE else assertions.NOTHING
    return assertions.LINES_AFTER if flags & re.MULTILINE else assertions.LAST_NEWLINE


def _at(code: Any, flags: int) -> Assertion:
    if code is _c.AT_BEGINNING_STRING or code is _c.AT_END_STRING:
        return assertions.AT_START if code is _c.AT_BEGINNING_STRING else assertions.AT_END
    if code is _c.AT_BEGINNING:
        return assertions.AT_LINE_START if flags & re.MULTILINE else assertions.AT_START
    if code is _c.AT_END:
        in_lines = flags & re.MULTILINE
        return assertions.AT_LINE_END if in_lines else assertions.BEFORE_LAST_NEWLINE
    word = _category(_c.CATEGORY_WORD, bool(flags & re.ASCII))
    if code is _c.AT_BOUNDARY:
        return assertions.boundary(word)
    assert code is _c.AT_NON_BOUNDARY, code
    return assertions.no_boundary(word, nor_in_empty=_NO_BOUNDARY_IN_EMPTY)


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
    if letter.startswith("NOT_"):
        opposite = getattr(_c, f"CATEGORY_{letter.removeprefix('NOT_')}")
        return charset.invert(_category(opposite, ascii_only))
    escape = {"DIGIT": r"\d+", "SPACE": r"\s+", "WORD": r"\w+"}[letter]
    within = charset.ANY_CHAR
    if ascii_only:
        within = charset.ASCII
    elif letter == "DIGIT":
        within = _category(_c.CATEGORY_WORD, ascii_only)  # \w is what is alphanumeric, and _
    return charset.matched(re.compile(escape, re.ASCII if ascii_only else 0), within)


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
    text = charset.all_chars()
    found: list[str] = []
    for low in range(0, len(text), 256):
        block = text[low : low + 256]
        if block.lower() != block or block.upper() != block:
            found += [c for c in block if c.lower() != c or c.upper() != c]
    return tuple(found)
