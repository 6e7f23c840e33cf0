"""Pages of family 00: the text cannot be read as a program."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0001": Page(
        """\
The text stops following the grammar at this place. The label says what could stand there. Reading
goes on at the next item of the file, so one mistake hides others only inside its own item.""",
        """\
prompt greet(name: str):
    user "Hello {name}"
""",
        """\
prompt greet(name: str):
    user: "Hello {name}"
""",
    ),
    "SGL0002": Page(
        """\
Blocks are made by indentation: a line that ends in `:` is followed by lines indented further, and
all lines of a block are indented alike. A tab counts as 4 columns. Inside brackets and texts,
indentation means nothing.""",
        """\
prompt greet(name: str):
    user: "Hello {name}"
      assistant: reply = gen(line)
""",
        """\
prompt greet(name: str):
    user: "Hello {name}"
    assistant: reply = gen(line)
""",
    ),
    "SGL0003": Page(
        """\
A text in `"` quotes ends on the line it starts on; a text in three quotes goes on to the next
three quotes. This one has no end, or ends inside another item.""",
        """\
prompt greet(name: str):
    user: "Hello {name}
""",
        """\
prompt greet(name: str):
    user: "Hello {name}"
""",
    ),
    "SGL0004": Page(
        """\
In a text, `{` and `}` enclose a value to insert. A `}` that closes nothing is more often a slip
than meant; a literal one is doubled.""",
        """\
prompt brace():
    "Finish this block: x = 1; }"
""",
        """\
prompt brace():
    "Finish this block: x = 1; }}"
""",
    ),
    "SGL0005": Page(
        """\
`true`, `false`, `none`, `not`, `and`, `or`, `if`, `else`, `in`, `for` and `try` are never names.
Words that start a statement, such as `keep` or `with`, are names everywhere but at its start.""",
        """\
prompt count(keep: int):
    keep = keep + 1
""",
        """\
prompt count(keep: int):
    kept = keep + 1
""",
    ),
    "SGL0006": Page(
        """\
A backslash in a text starts one of a few escapes. Anything else is refused instead of being
guessed, since a prompt that silently gains or loses a backslash is hard to see. Verbatim texts,
r"...", have no escapes and no holes.""",
        r"""
prompt path():
    "Look into C:\data"
""",
        r"""
prompt path():
    r"Look into C:\data"
""",
    ),
}
