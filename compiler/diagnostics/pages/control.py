"""Pages of family 03: the order in which things happen."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0301": Page(
        "A statement before this one always leaves the block.",
        """\
prompt ask(question: str) -> str:
    "{question}{answer = gen(line)}"
    return answer
    "Thank you."
""",
        """\
prompt ask(question: str) -> str:
    "{question}{answer = gen(line)}"
    return answer
""",
    ),
    "SGL0302": Page(
        """\
Every program has to end, whatever the model writes: loops with model calls are bounded, and
prompts do not call themselves, directly or through others.""",
        """\
prompt refine(draft: str) -> str:
    "{draft}\\nBetter:{better = gen(line)}"
    return refine(better)
""",
        """\
prompt refine(draft: str) -> str:
    for n in 1..3:
        "{draft}\\nBetter:{draft = gen(line)}\\n"
    return draft
""",
    ),
    "SGL0303": Page(
        "The prompt promises a value and can reach its end without one.",
        """\
prompt pick(hard: bool) -> str:
    if hard: return gen(line)
""",
        """\
prompt pick(hard: bool) -> str:
    if hard: return gen(line)
    return "easy"
""",
    ),
    "SGL0304": Page(
        """\
An expression alone on a line is said. For a tool that is called for what it does, its result
would become part of the prompt.""",
        """\
tool save(note: str) -> str

prompt remember(note: str):
    save(note)
""",
        """\
tool save(note: str) -> str

prompt remember(note: str):
    _ = save(note)
""",
    ),
    "SGL0305": Page(
        "A `fn` is pure: equal arguments give equal results, and it has no prompt to write to.",
        """\
fn title(topic: str) -> str = gen(line)
""",
        """\
prompt title(topic: str) -> str:
    "A title about {topic}: {name = gen(line)}"
    return name
""",
    ),
    "SGL0306": Page(
        "`break` and `continue` act on a loop around them, and there is none.",
        """\
prompt ask(done: bool):
    if done: break
""",
        """\
prompt ask(done: bool):
    for n in 1..3:
        if done: break
        "{n}. {note = gen(line)}\\n"
""",
    ),
    "SGL0307": Page(
        "The value is one of a known set of choices, and some have no case.",
        """\
prompt act(step: "search" | "stop"):
    match step:
        "search": "Searching."
""",
        """\
prompt act(step: "search" | "stop"):
    match step:
        "search": "Searching."
        "stop": "Done."
""",
    ),
    "SGL0308": Page(
        "The value can never be what this case asks for.",
        """\
prompt act(step: "search" | "stop"):
    match step:
        "serach": "Searching."
        else: "Done."
""",
        """\
prompt act(step: "search" | "stop"):
    match step:
        "search": "Searching."
        else: "Done."
""",
    ),
    "SGL0309": Page(
        "The outcome is known before the program runs; one of the two ways is dead.",
        """\
let verbose = false

prompt ask(question: str):
    if verbose: "Take your time.\\n"
    question
""",
        """\
prompt ask(question: str, verbose: bool = false):
    if verbose: "Take your time.\\n"
    question
""",
    ),
}
