"""Grammars as SGLang's clients write them (``root ::= "a" | [0-9]+``), made into lark's notation.

The notation is that of xgrammar and llama.cpp: rules with ``::=``, alternatives, groups, strings,
character classes, ``* + ?``, ``{n}``, ``{n,}``, ``{n,m}``, comments with ``#``. A text without
``::=`` is lark's notation already.
"""

from __future__ import annotations

import re

_MAX_REPEATS = 10_000
_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<define>(?P<name>[A-Za-z_][\w-]*)\s*::=)
  | (?P<rule>[A-Za-z_][\w-]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<class>\[\^?(?:[^\]\\\n]|\\.)*\])
  | (?P<repeat>\{\s*\d+\s*(?:,\s*\d*\s*)?\})
  | (?P<sign>[|()*+?.])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "b": "\b", "0": "\0"}


class EbnfError(ValueError):
    """A grammar is not of this notation; the message names the line."""


def to_lark(text: str, root: str = "root") -> str:
    """Return a grammar in lark's notation; its rule ``start`` is the rule ``root``.

    Raises:
        EbnfError: it has a mistake, or a rule that is used is missing.
    """
    if "::=" not in text:
        return text
    rules: dict[str, _Rule] = {}
    used: dict[str, int] = {}
    rule: _Rule | None = None
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _mistake(text, at, f"cannot read {text[at : at + 20]!r}")
        if match["define"] is not None:
            if match["name"] in rules:
                raise _mistake(text, at, f"the rule {match['name']} is there twice")
            rule = rules[match["name"]] = _Rule()
        elif match["space"] is None:
            if rule is None:
                raise _mistake(text, at, "a grammar begins with a rule: root ::= …")
            if match["rule"] is not None:
                used.setdefault(match[0], at)
                rule.add(_lark_name(match[0], root))
            else:
                _read(rule, text, at, match)
        at = match.end()
    for name, made in rules.items():
        if not made.is_closed:
            raise EbnfError(f"the rule {name} has a group without an end")
    for name, where in used.items():
        if name not in rules:
            raise _mistake(text, where, f"there is no rule {name}")
    if root not in rules:
        raise EbnfError(f"the grammar has no rule {root}")
    return "\n".join(f"{_lark_name(name, root)}: {rule}" for name, rule in rules.items())


class _Rule:
    """What stands behind ``::=``: items in lark's notation, the last of them at hand."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._open: list[int] = []  # where groups begin that have no end yet
        self._last: int | None = None  # where the last item begins

    def __str__(self) -> str:
        return " ".join(self._parts)

    @property
    def is_closed(self) -> bool:
        """Whether every group has an end."""
        return not self._open

    def add(self, item: str) -> None:
        """Add an item."""
        self._last = len(self._parts)
        self._parts.append(item)

    def sign(self, sign: str) -> bool:
        """Add ``|`` or a bracket; False for a bracket that nothing opens."""
        if sign == ")":
            if not self._open:
                return False
            self._last = self._open.pop()
        else:
            if sign == "(":
                self._open.append(len(self._parts))
            self._last = None
        self._parts.append(sign)
        return True

    def repeat(self, least: int, most: int | None) -> bool:
        """Repeat the last item, any number of times for None; False if there is none.

        Strings and classes stay terminals, so that what does not nest needs no recursion.
        """
        if self._last is None:
            return False
        item = self._parts[self._last :]
        del self._parts[self._last :]
        self._last = None
        if item[0][0] in '/"':
            inner = item[0][1:-1] if item[0][0] == "/" else f"(?:{item[0][1:-1]})"
            self._parts.append(f"/{inner}{{{least},{'' if most is None else most}}}/")
        elif most is None:
            self._parts += [*item, f"~{least}", *item, "*"] if least else [*item, "*"]
        else:
            self._parts += [*item, f"~{least}..{most}"]
        return True


_TIMES: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def _read(rule: _Rule, text: str, at: int, match: re.Match[str]) -> None:
    """Add a token that names no rule."""
    token, is_fine = match[0], True
    if match["string"] is not None:
        content = _unescaped(text, at, token[1:-1])
        rule.add('"' + "".join(map(_escaped, content)) + '"' if content else "( )")
    elif match["class"] is not None:
        rule.add(_class(text, at, token))
    elif token == ".":
        rule.add("/[\\s\\S]/")
    elif match["repeat"] is not None:
        is_fine = rule.repeat(*_times(text, at, token))
    elif token in _TIMES:
        is_fine = rule.repeat(*_TIMES[token])
    else:
        is_fine = rule.sign(token)
    if not is_fine:
        raise _mistake(text, at, f"there is nothing before {token}")


def _times(text: str, at: int, token: str) -> tuple[int, int | None]:
    least, comma, most = re.sub(r"[{}\s]", "", token).partition(",")
    low = int(least)
    high = low if not comma else int(most) if most else None
    if max(low, high or 0) > _MAX_REPEATS or (high is not None and high < low):
        raise _mistake(text, at, f"{token} must count up, to at most {_MAX_REPEATS}")
    return low, high


def _lark_name(name: str, root: str) -> str:
    """Return a name that lark takes, another one for each name."""
    if name == root:
        return "start"
    return "r_" + "".join(c if c.islower() or c.isdigit() else f"_{ord(c)}_" for c in name)


def _class(text: str, at: int, token: str) -> str:
    inner, negated = token[1:-1], ""
    if inner.startswith("^"):
        inner, negated = inner[1:], "^"
    if not inner:
        raise _mistake(text, at, "a class of characters must not be empty")
    # a `-` that was escaped, or stands at an end, is no range
    pieces = re.findall(r"\\(?:u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)|.", inner)
    out: list[str] = []
    for number, piece in enumerate(pieces):
        is_range = piece == "-" and 0 < number < len(pieces) - 1
        if piece in ("\\d", "\\w", "\\s", "\\D", "\\W", "\\S") or is_range:
            out.append(piece)
        else:
            out.append(_escaped(_unescaped(text, at, piece)))
    return f"/[{negated}{''.join(out)}]/"


def _unescaped(text: str, at: int, raw: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is not None:
            if int(code, 16) > 0x10FFFF:
                raise _mistake(text, at, f"{match[0]} is no character")
            return chr(int(code, 16))
        return _SIMPLE.get(match[4], match[4])

    return _ESCAPE.sub(plain, raw)


def _escaped(char: str) -> str:
    """Write a character so that neither lark's strings nor its regexes read more into it."""
    if char.isalnum() and char.isascii():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _mistake(text: str, at: int, message: str) -> EbnfError:
    line = text.count("\n", 0, at) + 1
    return EbnfError(f"line {line}: {message}")
