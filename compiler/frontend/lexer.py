"""Tokens, on demand: which token comes next depends on the state of the parser.

Words are keywords only in states that accept them, ``/`` starts a regular expression only where
an operand may stand, and text is read in a mode of its own. Line starts become ``_NL``,
``_INDENT`` and ``_DEDENT``; inside brackets they mean nothing.
"""

from __future__ import annotations

import re

from sglc.compiler.diagnostics import Diagnostic, DiagnosticSink, codes
from sglc.compiler.frontend.syntax_errors import nested_too_deep, stray_character
from sglc.compiler.frontend.tables import CODE, TEXT1, Tables, load_patterns
from sglc.compiler.frontend.tokens import CLOSERS, Open, SyntaxFailure, Token
from sglc.compiler.source import SourceFile

MAX_NESTING = 100
TAB_LEN = 4
_ROLES = frozenset({"system", "user", "assistant"})
_BLANK = re.compile(r"(?:[ \t]++|#[^\n]*+)*+")
_COLON_AHEAD = re.compile(r"[ \t]*:")
_FIRST_INDENT = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+([ \t]++)[^\s#]")


class Lexer:
    """Reads one file.

    ``open`` and ``indents`` say what the current place is inside of; ``last_block`` is the range
    of the last block text that was closed.
    """

    def __init__(self, file: SourceFile, tables: Tables, sink: DiagnosticSink) -> None:
        self.file = file
        self.text = file.text if file.text.endswith("\n") else file.text + "\n"
        self.tables = tables
        self.sink = sink
        self._patterns = load_patterns()
        self.restart(0)
        indent = _FIRST_INDENT.match(self.text)
        if indent is not None:
            sink.add(
                codes.bad_indentation(
                    file.span(*indent.span(1)),
                    "unexpected indentation",
                    label="the first line starts no block",
                )
            )

    def restart(self, offset: int) -> None:
        """Go on at ``offset``, the start of a line outside of every block."""
        self.pos = offset
        self.open: list[Open] = []
        self.indents = [0]
        self.last_block: tuple[int, int] | None = None
        self._pending: list[Token] = []

    def next(self, state: int) -> Token:
        """Return the next token for a parser in ``state``.

        Raises:
            SyntaxFailure: no token starts here, or a nesting limit is passed.
        """
        if self._pending:
            return self._pending.pop()
        mode = self.tables.modes[state]
        if mode == CODE:
            return self._code(self.tables.actions[state])
        return self._in_text(mode)

    def track(self, token: Token) -> None:
        """Note that the parser took a bracket or a quote."""
        text = token.text
        if self.open and CLOSERS[self.open[-1].text] == text:
            opened = self.open.pop()
            if text == '"""':
                self.last_block = (opened.start, token.end)
        elif text in CLOSERS:
            hole = text == "{" and bool(self.open) and self.open[-1].text in ('"', '"""')
            self.open.append(Open(text, token.start, hole))
            self._limit(len(self.open), token.start)

    def _limit(self, depth: int, offset: int) -> None:
        if depth > MAX_NESTING:
            span = self.file.span(offset, offset + 1)
            raise SyntaxFailure(nested_too_deep(span, MAX_NESTING), offset)

    def _code(self, accepts: dict[str, int]) -> Token:
        while True:
            blank = _BLANK.match(self.text, self.pos)
            start = blank.end() if blank else self.pos
            match = self._patterns.code.match(self.text, start)
            if match is None:
                return self._end_or_stray(start)
            self.pos = end = match.end()
            group = match.lastgroup
            text = match.group()
            if text in ("r", 'r""') and self.text.startswith('"', end):
                raise self._unterminated_raw(start)
            if group == "NAME":
                return Token(self._word(text, accepts), text, start, end)
            if group == "PUNCTUATION":
                if text == "/" and "REGEX" in accepts:
                    return self._regex(start)
                return Token(self.tables.punctuation[text], text, start, end)
            if group == "RAW":
                self.last_block = (start + 1, end)
            if group != "NEWLINE":
                assert group is not None
                return Token(group, text, start, end)
            if not self.open:
                return self._line_start(start, text)

    def _word(self, text: str, accepts: dict[str, int]) -> str:
        if text in _ROLES and "ROLE" in accepts and _COLON_AHEAD.match(self.text, self.pos):
            return "ROLE"
        keyword = self.tables.keywords.get(text)
        return keyword if keyword in accepts else "NAME"

    def _regex(self, start: int) -> Token:
        match = self._patterns.regex.match(self.text, start)
        if match is None:
            return Token("SLASH", "/", start, start + 1)
        self.pos = match.end()
        return Token("REGEX", match.group(), start, match.end())

    def _line_start(self, start: int, text: str) -> Token:
        """Queue the indentation after a line end and return the line end itself."""
        blank = text[text.rfind("\n") + 1 :]
        indent = blank.count(" ") + blank.count("\t") * TAB_LEN
        end = min(self.pos, len(self.file.text))
        if indent > self.indents[-1]:
            self.indents.append(indent)
            self._limit(len(self.indents), end)
            self._pending.append(Token("_INDENT", "", end, end))
        while indent < self.indents[-1]:
            self.indents.pop()
            self._pending.append(Token("_DEDENT", "", end, end))
        if indent != self.indents[-1]:
            begin = self.pos - len(blank)
            span = self.file.span(begin, self.pos)
            raise SyntaxFailure(
                codes.bad_indentation(
                    span,
                    "this indentation matches no block above",
                    label=f"{indent} columns",
                    helps=(f"a tab counts as {TAB_LEN} columns; use spaces",)
                    if "\t" in blank
                    else (),
                ),
                begin,
            )
        return Token("_NL", "", start, start)

    def _end_or_stray(self, start: int) -> Token:
        end = len(self.file.text)
        self.pos = start
        if start >= len(self.text):
            return Token("$END", "", end, end)
        span = self.file.span(start, start + 1)
        raise SyntaxFailure(stray_character(span, self.text[start]), start)

    def _in_text(self, mode: int) -> Token:
        """Read a piece of text. Lone braces and bad escapes are reported and taken literally."""
        start = self.pos
        patterns = self._patterns
        match = (patterns.text1 if mode == TEXT1 else patterns.text3).match(self.text, start)
        chunk = "CHUNK1" if mode == TEXT1 else "CHUNK3"
        if match is not None:
            self.pos = match.end()
            assert match.lastgroup is not None
            end = min(self.pos, len(self.file.text))  # not past the line end that was added
            return Token(match.lastgroup, match.group(), start, end)
        char = self.text[start] if start < len(self.file.text) else ""
        if char == "}":
            self.sink.add(codes.lone_brace(self.file.span(start, start + 1)))
            self.pos = start + 1
        elif char == "\\" and self.text[start + 1] not in "\r\n":
            self.pos = start + 2
            written = self.text[start : self.pos]
            self.sink.add(codes.bad_escape(self.file.span(start, self.pos), written))
        else:
            end = min(start, len(self.file.text))
            raise SyntaxFailure(self._unterminated(end), end)
        return Token(chunk, self.text[start : self.pos], start, self.pos)

    def _unterminated_raw(self, start: int) -> SyntaxFailure:
        quote = '"""' if self.text.startswith('"""', start + 1) else '"'
        end = start + 1 + len(quote) if quote == '"""' else self.text.index("\n", start)
        span = self.file.span(start, min(end, len(self.file.text)))
        return SyntaxFailure(codes.unterminated_text(span, quote), span.end)

    def _unterminated(self, end: int) -> Diagnostic:
        quote = next(o for o in reversed(self.open) if o.text in ('"', '"""'))
        stop = quote.start + 3 if quote.text == '"""' else end
        return codes.unterminated_text(self.file.span(quote.start, stop), quote.text)
