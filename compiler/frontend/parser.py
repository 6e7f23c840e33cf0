"""From source text to syntax tree: drives the LALR tables, item by item.

A syntax error ends the item it is in; reading goes on at the next line that starts an item, so that
one run reports the errors of all of them. Nothing here recurses over the input.
"""

from __future__ import annotations

import re
from collections import deque

from sglc.compiler.diagnostics import DiagnosticSink, codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.builder import TreeBuilder
from sglc.compiler.frontend.lalr import ParseStack
from sglc.compiler.frontend.lexer import Lexer
from sglc.compiler.frontend.syntax_errors import Mistake, explain
from sglc.compiler.frontend.tables import load_tables
from sglc.compiler.frontend.tokens import Open, SyntaxFailure, Token
from sglc.compiler.source import SourceFile, Span

MAX_FAILURES = 100
_TRACKED = frozenset({"LPAR", "LSQB", "LBRACE", "RPAR", "RSQB", "RBRACE", "_Q1", "_Q3"})
_ITEM_LINE = re.compile(
    r"^(?:@|(?:import|from|let|type|tool|fn|prompt|batch)[ \t]+[A-Za-z_]"
    r"|test[ \t]*r?\"|config[ \t]*:|[a-z]+[ \t]+[A-Za-z_]\w*\(.*:[ \t]*\r?$)",
    re.MULTILINE,
)
_SKIPPED = re.compile(r'r?"""(?s:.*?)"""|r?"(?:\\.|[^"\\\n])*+"|#[^\n]*|[^"#r\n]+|.|\n')


def parse(source: SourceFile, sink: DiagnosticSink) -> ast.Module:
    """Parse a file. The module holds every item that could be read; mistakes go to ``sink``."""
    items = _Parser(source, sink).parse()
    return ast.Module(file=source, items=tuple(items), span=source.span(0, len(source.text)))


class _Parser:
    def __init__(self, file: SourceFile, sink: DiagnosticSink) -> None:
        self.file = file
        self.sink = sink
        tables = load_tables()
        self.lexer = Lexer(file, tables, sink)
        self.stack = ParseStack(tables, TreeBuilder(file, sink), file)

    def parse(self) -> list[ast.Item]:
        start: int | None = 0
        failures = 0
        while start is not None and failures < MAX_FAILURES:
            self.lexer.restart(start)
            self.stack.clear()
            try:
                self._run()
                break
            except SyntaxFailure as failure:
                failures += 1
                start = self._recover(start, failure)
        return self.stack.items

    def _run(self) -> None:
        """Read to the end of the file.

        Raises:
            SyntaxFailure: a token fits nowhere.
        """
        lexer, stack = self.lexer, self.stack
        before: deque[Token] = deque(maxlen=4)
        while True:
            token = lexer.next(stack.state)
            if not stack.feed(token):
                if token.type == "$END" and stack.at_end:
                    return
                mistake = Mistake(
                    self.file, token, tuple(before), stack.expected(), tuple(lexer.open)
                )
                stack.finish()
                raise SyntaxFailure(explain(mistake), token.start)
            if token.type in _TRACKED:
                lexer.track(token)
            before.append(token)

    def _recover(self, start: int, failure: SyntaxFailure) -> int | None:
        """Report an error and return where the next item starts after it, or None."""
        swallowed = self._swallowed_item(failure)
        if swallowed is not None:
            quotes, position = swallowed
            self.sink.add(codes.unterminated_text(quotes, '"""'))
            return position
        self.sink.add(failure.diagnostic)
        return self._next_item(start, failure.offset)

    def _swallowed_item(self, failure: SyntaxFailure) -> tuple[Span, int] | None:
        """Find the item inside the last block text, when that text seems to have lost its end.

        Then it was closed by the opening quotes of a later text, whose words make no sense, or
        whose own closing quotes open a text without end.
        """
        block = self.lexer.last_block
        if block is None:
            return None
        text = self.file.text
        endless = failure.diagnostic.code == "SGL0003"
        if not endless and text.count("\n", block[1], failure.offset) > 1:
            return None
        item = _ITEM_LINE.search(text, block[0] + 3, block[1])
        return (self.file.span(block[0], block[0] + 3), item.start()) if item else None

    def _next_item(self, start: int, error: int) -> int | None:
        text = self.file.text
        position = error = min(error, len(text))
        if self.lexer.open:
            position = self._leave(self.lexer.open, error)
        if position > start and _at_item(text, position):
            return position
        while position < len(text):
            match = _SKIPPED.match(text, position)
            assert match is not None
            position = match.end()
            if match.group() == "\n" and _at_item(text, position):
                return position
        return None

    def _leave(self, opened: list[Open], error: int) -> int:
        """Return a place outside of the text or bracket that an error is in."""
        text = self.file.text
        quotes = [o for o in opened if o.text.startswith('"')]
        if quotes and quotes[0].text == '"""':
            begin = quotes[0].start + 3
            closing = text.find('"""', max(error, begin))
            return closing + 3 if closing >= 0 else begin
        if quotes:
            return max(text.find("\n", error), error)
        # An unclosed bracket makes the first words of the next item look like more of it.
        line_start = text.rfind("\n", 0, error) + 1
        return line_start if line_start > opened[0].start else error


def _at_item(text: str, position: int) -> bool:
    at_line_start = position == 0 or text[position - 1] == "\n"
    return at_line_start and _ITEM_LINE.match(text, position) is not None
