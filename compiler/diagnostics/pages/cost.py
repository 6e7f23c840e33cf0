"""Pages of family 06: what a program costs."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0601": Page(
        "The model writes something that nobody reads and no later gen sees: paid for, unused.",
        """\
prompt ask(question: str) -> str:
    "{question}{answer = gen(line)}"
    "{remark = gen(line)}"
    return answer
""",
        """\
prompt ask(question: str) -> str:
    "{question}{answer = gen(line)}"
    return answer
""",
    ),
    "SGL0602": Page(
        """\
Prompts are shared from the first token up to the first difference. What varies from row to row
comes before a long text that does not, so the long text is computed again for every row. The order
is part of the prompt, so it is never changed for you.""",
        """\
let manual = load("manual.txt")

prompt answer(question: str):
    "{question}\\n{manual}\\nAnswer:{reply = gen(line)}"
""",
        """\
let manual = load("manual.txt")

prompt answer(question: str):
    "{manual}\\n{question}\\nAnswer:{reply = gen(line)}"
""",
    ),
    "SGL0603": Page(
        """\
Tokenizers attach the space to the word that follows. A prompt that ends with a space forces the
model to continue after a token it has hardly seen, unless token healing backs up over it.""",
        """\
prompt ask(question: str):
    "Q: {question}\\nA: "
    answer = gen(line)
""",
        """\
prompt ask(question: str):
    "Q: {question}\\nA:"
    answer = gen(line)
""",
    ),
    "SGL0604": Page(
        """\
In the worst case the prompt grows beyond what the model can read at once: a run that gets there
fails. `sglc estimate` reports it, for it knows the model.""",
        """\
prompt long(question: str):
    for n in 1..100:
        "{note = gen(max_tokens=1000)}"
""",
        """\
prompt long(question: str):
    for n in 1..10:
        "{note = gen(max_tokens=200)}"
""",
    ),
    "SGL0605": Page(
        "A fork makes more branches than the configured limit allows.",
        """\
prompt vote(question: str):
    fork k in 1..100000 as path:
        "{question}{answer = gen(line)}"
""",
        """\
prompt vote(question: str):
    fork k in 1..16 as path:
        "{question}{answer = gen(line)}"
""",
    ),
    "SGL0606": Page(
        """\
The upper end of the estimate is above the budget. Counted are tokens that have to be computed or
written; what is in the cache is free.""",
        """\
# sglc estimate --budget 1000
prompt essay(topic: str):
    "{topic}{text = gen(max_tokens=4000)}"
""",
        """\
# sglc estimate --budget 1000
prompt essay(topic: str):
    "{topic}{text = gen(max_tokens=800)}"
""",
    ),
    "SGL0607": Page(
        "Branches with the same prompt at temperature 0 write the same text.",
        """\
prompt vote(question: str):
    fork k in 1..8 as path:
        "{question}{answer = gen(line, temperature=0)}"
""",
        """\
prompt vote(question: str):
    fork k in 1..8 as path:
        "{question}{answer = gen(line, temperature=0.7)}"
""",
    ),
}
