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
from sglc.compiler.frontend.tokens import SyntaxFailure, Token
from sglc.compiler.source import SourceFile

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
        block = self.lexer.last_block
        if block is not None and self.file.text.count("\n", block[1], failure.offset) <= 1:
            # Was the text before the error closed by the opening quotes of a later one?
            swallowed = _ITEM_LINE.search(self.file.text, block[0] + 3, block[1])
            if swallowed is not None:
                quotes = self.file.span(block[0], block[0] + 3)
                self.sink.add(codes.unterminated_text(quotes, '"""'))
                return swallowed.start()
        self.sink.add(failure.diagnostic)
        return self._next_item(start, failure.offset)

    def _next_item(self, start: int, error: int) -> int | None:
        text = self.file.text
        quotes = [opened for opened in self.lexer.open if opened.text.startswith('"')]
        position = error
        if quotes and quotes[0].text == '"""':
            begin = quotes[0].start + 3
            closing = text.find('"""', max(error, begin))
            position = closing + 3 if closing >= 0 else begin
        elif quotes:
            position = max(text.find("\n", error), error)
        if position > start and _at_item(text, position):
            return position
        while position < len(text):
            match = _SKIPPED.match(text, position)
            assert match is not None
            position = match.end()
            if match.group() == "\n" and _at_item(text, position):
                return position
        return None


def _at_item(text: str, position: int) -> bool:
    at_line_start = position == 0 or text[position - 1] == "\n"
    return at_line_start and _ITEM_LINE.match(text, position) is not None
