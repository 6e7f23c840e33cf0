"""What to say about a token that does not fit, judging by what could stand there instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from sglc.compiler.diagnostics import Diagnostic, Label, codes
from sglc.compiler.diagnostics.suggest import closest
from sglc.compiler.frontend.tables import load_tables
from sglc.compiler.frontend.tokens import CLOSERS, Open, Token
from sglc.compiler.source import SourceFile, Span

ITEMS = ("prompt", "fn", "tool", "type", "let", "config", "import", "from", "batch", "test")
STATEMENTS = frozenset(
    {"include", "keep", "check", "return", "break", "continue", "pass", "role", "if", "match"}
    | {"for", "while", "fork", "side", "span", "with", "true", "false", "none", "not", "try"}
)
_OPERAND = frozenset({"NAME", "INT", "LPAR", "_Q1"})
_STARTS_OPERAND = _OPERAND | {
    *("REGEX", "LSQB", "LBRACE", "TRUE", "FALSE", "NONE", "NOT", "TRY", "DOT", "ROLE")
}
_CONTINUES_OPERAND = frozenset({"DOT", "LPAR", "LSQB", "IF", "IN", "NOT", "AND", "OR", "_DOTS"})
_PHRASES = {
    "NAME": "a name",
    "INT": "a number",
    "_NL": "the end of the line",
    "_INDENT": "an indented block",
    "_DEDENT": "the end of the block",
    "$END": "the end of the file",
    "CMP": "a comparison",
    "_Q1": "a text",
    "ROLE": "a role",
    "CHUNK1": "text",
    "CHUNK3": "text",
}
# One of several that would do: not worth a word of its own in a list.
_MINOR = frozenset({"ADD", "MUL", "SLASH", "VBAR", "QMARK", "FLOAT", "RAW", "_Q3", "ESC", "CMP"})
_WORD = re.compile(r"[A-Za-z_]\w*")
_STRAY = {
    "'": "texts are written with double quotes",
    "‘": "texts are written with plain double quotes",
    "’": "texts are written with plain double quotes",
    "“": "texts are written with plain double quotes",
    "”": "texts are written with plain double quotes",
    ";": "lines end by themselves; write one statement per line",
    "&": "write `and`",
    "!": "write `not`, or `!=`",
    "\\": "put long expressions in brackets to continue them on the next line",
    "`": "texts are written with double quotes",
}


class Mistake(NamedTuple):
    """The token that does not fit, the last few before it, what would fit, what is open."""

    file: SourceFile
    token: Token
    before: tuple[Token, ...]
    expected: frozenset[str]
    open: tuple[Open, ...]

    @property
    def previous(self) -> Token | None:
        return self.before[-1] if self.before else None

    @property
    def span(self) -> Span:
        """The token; line ends and the end of the file point past the last character."""
        if self.token.text:
            return self.file.span(self.token.start, self.token.end)
        return self.after_previous

    @property
    def after_previous(self) -> Span:
        real = [token.end for token in self.before if token.text]
        end = real[-1] if real else len(self.file.text.rstrip())
        return self.file.span(end, end)

    @property
    def line_word(self) -> str:
        """The word the line of the last read token starts with, or an empty text."""
        place = self.after_previous if self.token.type == "_NL" else self.span
        match = _WORD.match(self.file.line(place.line).lstrip())
        return match[0] if match else ""

    @property
    def wants_operand(self) -> bool:
        return self.expected >= _OPERAND


def explain(mistake: Mistake) -> Diagnostic:
    """Return the diagnostic of a token that fits nowhere."""
    for rule in _RULES:
        found = rule(mistake)
        if found is not None:
            return found
    return _unexpected(mistake)


def stray_character(span: Span, char: str) -> Diagnostic:
    """Return the diagnostic of a character that starts no token."""
    hint = _STRAY.get(char)
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    return codes.unexpected_token(
        span,
        f"unexpected character `{shown}`",
        label="not part of the language here",
        helps=(hint,) if hint else (),
    )


def nested_too_deep(span: Span, limit: int) -> Diagnostic:
    """Return the diagnostic of a program that is nested beyond reason."""
    return codes.unexpected_token(
        span,
        f"nested deeper than {limit} levels",
        label="the limit is passed here",
        helps=("name a part of it: bind it, or make it a `fn` or `prompt`",),
    )


def _indentation(m: Mistake) -> Diagnostic | None:
    if m.token.type == "_INDENT":
        line = m.file.line(m.span.line if m.token.text else m.file.position(m.token.start).line)
        start = m.token.start
        width = len(line) - len(line.lstrip())
        return codes.bad_indentation(
            m.file.span(start - width, start),
            "unexpected indentation",
            label="no block starts here",
        )
    if m.expected == {"_INDENT"}:
        return codes.bad_indentation(
            m.span,
            "expected an indented block",
            label="indent this line" if m.token.text else "the block is missing",
            helps=("a block that does nothing is written `pass`",),
        )
    if m.expected == {"_NL"} and m.previous and m.previous.type == "COLON":
        return codes.bad_indentation(
            m.span, "expected a new line after `:`", label="start an indented block below"
        )
    return None


def _role(m: Mistake) -> Diagnostic | None:
    previous = m.previous
    if previous is None or m.token.type == "COLON":
        return None
    if previous.text in ("system", "user", "assistant") and previous.text == m.line_word:
        return codes.unexpected_token(
            m.after_previous,
            f"a role needs a colon: `{previous.text}: ...`",
            label="expected `:`",
        )
    return None


def _else(m: Mistake) -> Diagnostic | None:
    word = m.line_word
    if word not in ("else", "elif") or m.token.type in ("$END", "_DEDENT"):
        return None
    first = m.before[-2] if m.token.type == "_NL" and len(m.before) > 1 else m.previous
    if first is None or first.text != word:
        return None
    return codes.unexpected_token(
        m.file.span(first.start, first.end),
        f"`{word}` belongs to no `if` or `match`",
        label="indent it like the `if` it belongs to",
    )


def _reserved(m: Mistake) -> Diagnostic | None:
    previous = m.previous
    if m.token.type not in ("EQUAL", "COLON") or previous is None:
        return None
    if previous.text in STATEMENTS and previous.text == m.line_word:
        return codes.reserved_word(
            m.file.span(previous.start, previous.end),
            previous.text,
            "starts a statement of its own",
        )
    return None


def _assignment(m: Mistake) -> Diagnostic | None:
    if m.token.type != "EQUAL" or m.wants_operand:
        return None
    return codes.unexpected_token(
        m.span,
        "`=` binds a name and cannot stand inside an expression",
        label="unexpected",
        helps=("compare with `==`",),
    )


def _named_argument(m: Mistake) -> Diagnostic | None:
    named = m.token.type == "COLON" and "EQUAL" in m.expected
    if not named or not m.open or m.open[-1].text != "(":
        return None
    return codes.unexpected_token(
        m.span, "a named argument is written with `=`", label="write `=` instead"
    )


def _brace_in_text(m: Mistake) -> Diagnostic | None:
    hole = next((opened for opened in reversed(m.open) if opened.hole), None)
    if hole is None:
        return None
    empty = m.token.type == "RBRACE" and m.previous and m.previous.start == hole.start
    json = m.token.type == "COLON" and m.open[-1] == hole
    if not empty and not json:
        return None
    return codes.unexpected_token(
        m.file.span(hole.start, hole.start + 1),
        "empty hole in a text" if empty else "this brace opens a hole, not a literal brace",
        label="`{` starts a value to insert",
        helps=('write `{{` and `}}` for braces, or use a verbatim text: r"..."',),
    )


def _bracket(m: Mistake) -> Diagnostic | None:
    kind = m.token.type
    opened = m.open[-1] if m.open else None
    if kind in ("RPAR", "RSQB", "RBRACE"):
        if opened is None:
            return codes.unexpected_token(m.span, f"`{m.token.text}` closes nothing")
        if CLOSERS[opened.text] != m.token.text and not m.wants_operand:
            return codes.unexpected_token(
                m.span,
                f"`{m.token.text}` does not close `{opened.text}`",
                label=f"expected `{CLOSERS[opened.text]}`",
                labels=(Label(m.file.span(opened.start, opened.start + 1), "opened here"),),
            )
        return None
    if opened is None or kind == "COLON":
        return None
    gap = m.file.text[m.after_previous.start : m.token.start]
    text_ends = opened.hole and kind in ("_Q1", "_Q3") and not m.wants_operand
    if kind != "$END" and "\n" not in gap and not text_ends:
        return None
    return codes.unexpected_token(
        m.file.span(opened.start, opened.start + 1),
        f"`{opened.text}` is never closed",
        label="opened here",
        labels=(Label(m.span, f"expected `{CLOSERS[opened.text]}` before this"),)
        if m.token.text
        else (),
    )


def _file_level(m: Mistake) -> Diagnostic | None:
    if not {"PROMPT", "CONFIG"} <= m.expected:
        return None
    word = m.token.text
    near = closest(word, ITEMS)
    return codes.unexpected_token(
        m.span,
        f"a file is made of items, {_found(m.token)} starts none",
        label="expected `prompt`, `fn`, `tool`, `type`, `let`, …",
        helps=(f"did you mean `{near}`?",)
        if near
        else ("statements and texts live inside a `prompt`",),
    )


def _declaration(m: Mistake) -> Diagnostic | None:
    if m.line_word in ("fn", "tool") and "_ARROW" in m.expected and "COLON" not in m.expected:
        return codes.unexpected_token(
            m.after_previous,
            f"a `{m.line_word}` says what it returns",
            label="expected `-> type`",
        )
    previous = m.previous
    untyped = m.token.type in ("COMMA", "RPAR", "EQUAL") and m.expected == {"COLON"}
    if untyped and previous is not None and previous.type == "NAME":
        return codes.unexpected_token(
            m.file.span(previous.start, previous.end),
            f"parameter `{previous.text}` has no type",
            label=f"write `{previous.text}: str`",
        )
    return None


def _typo_of_role(m: Mistake) -> Diagnostic | None:
    if m.token.type != "_NL" or "EQUAL" not in m.expected or len(m.before) < 3:
        return None
    match = re.match(r"\s*([A-Za-z_]\w*)\s*:", m.file.line(m.after_previous.line))
    if match is None:
        return None
    word = match[1]
    start = m.file.line_starts[m.after_previous.line - 1] + match.start(1)
    near = closest(word, ("system", "user", "assistant"))
    return codes.unexpected_token(
        m.file.span(start, start + len(word)),
        f"`{word}` is not a role",
        label="opens no message",
        helps=(
            f"did you mean `{near}`?" if near else f'other roles are written `role "{word}": ...`',
        ),
    )


def _missing(m: Mistake) -> Diagnostic | None:
    if m.token.type not in ("_NL", "$END"):
        return None
    if "LIMIT" in m.expected:
        return codes.unexpected_token(
            m.after_previous,
            "a `while` needs a bound",
            label="expected `limit` and a number",
            helps=("write `while condition limit 10:`",),
        )
    if "COLON" in m.expected and "_NL" not in m.expected and not m.open:
        return codes.unexpected_token(
            m.after_previous, "missing `:` at the end of the line", label="expected `:`"
        )
    return None


def _limit_before_colon(m: Mistake) -> Diagnostic | None:
    if m.token.type == "COLON" and "LIMIT" in m.expected:
        return codes.unexpected_token(
            m.span,
            "a `while` needs a bound",
            label="expected `limit` and a number",
            helps=("write `while condition limit 10:`",),
        )
    return None


_RULES: tuple[Callable[[Mistake], Diagnostic | None], ...] = (
    _indentation,
    _role,
    _else,
    _reserved,
    _declaration,
    _brace_in_text,
    _named_argument,
    _assignment,
    _bracket,
    _file_level,
    _typo_of_role,
    _missing,
    _limit_before_colon,
)


def _unexpected(m: Mistake) -> Diagnostic:
    helps: tuple[str, ...] = ()
    if any(opened.hole for opened in m.open):
        helps = ("`{` in a text starts a hole; write `{{` for a literal brace",)
    return codes.unexpected_token(
        m.span, f"unexpected {_found(m.token)}", label=_wanted(m), helps=helps
    )


def _found(token: Token) -> str:
    if token.type in _PHRASES and not token.text:
        return _PHRASES[token.type].removeprefix("the ")
    if token.type in ("_Q1", "_Q3", "RAW"):
        return "text"
    return f"`{token.text if len(token.text) <= 24 else token.text[:23] + '…'}`"


def _wanted(m: Mistake) -> str:
    """Return e.g. ``expected an operator, `,` or `)```."""
    kinds = set(m.expected)
    words: list[str] = []
    if m.wants_operand:
        words.append("an expression")
        kinds -= _OPERAND | {
            "REGEX",
            "LSQB",
            "LBRACE",
            "TRUE",
            "FALSE",
            "NONE",
            "NOT",
            "TRY",
            "DOT",
        }
        kinds -= {"ROLE"}
    elif "ADD" in kinds:
        words.append("an operator")
        kinds -= _CONTINUES_OPERAND
    kinds -= _MINOR
    tables = load_tables()
    spelled = {kind: text for text, kind in (tables.punctuation | tables.keywords).items()}
    words += [_PHRASES.get(kind) or f"`{spelled.get(kind, kind)}`" for kind in sorted(kinds)]
    if not words or len(words) > 6:
        return "does not fit here"
    head = ", ".join(words[:-1])
    return f"expected {head} or {words[-1]}" if head else f"expected {words[0]}"
