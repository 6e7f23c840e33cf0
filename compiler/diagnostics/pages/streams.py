"""Pages of family 02: the conversation that a program writes."""

from sglc.compiler.diagnostics.pages.page import Page

PAGES: dict[str, Page] = {
    "SGL0201": Page(
        "A conversation is a list of messages; a message cannot hold another.",
        """\
prompt ask(question: str):
    user:
        question
        assistant: answer = gen(line)
""",
        """\
prompt ask(question: str):
    user: question
    assistant: answer = gen(line)
""",
    ),
    "SGL0202": Page(
        """\
The prompt opens messages, so the chat template of the model is applied; text between messages
belongs to none and the model was never trained on such input.""",
        """\
prompt ask(question: str):
    "Be brief."
    user: question
    assistant: answer = gen(line)
""",
        """\
prompt ask(question: str):
    system: "Be brief."
    user: question
    assistant: answer = gen(line)
""",
    ),
    "SGL0203": Page(
        "Chat models are trained to write in `assistant`; elsewhere they write worse.",
        """\
prompt next_question(topic: str):
    user: "About {topic}: {question = gen(line)}"
""",
        """\
prompt next_question(topic: str):
    user: "Ask me a question about {topic}."
    assistant: question = gen(line)
""",
    ),
    "SGL0204": Page(
        "The message says nothing. Some chat templates refuse it, others show an empty turn.",
        """\
prompt ask(question: str):
    system: ""
    user: question
""",
        """\
prompt ask(question: str):
    user: question
""",
    ),
    "SGL0205": Page(
        "The chat template of the configured model has no such role.",
        """\
prompt observe(result: str):
    role "tol": result
""",
        """\
prompt observe(result: str):
    role "tool": result
""",
    ),
    "SGL0206": Page(
        "A Python function opened a role and returned before it closed it.",
        """\
@sglc.function
def ask(s, question):
    s += sglc.user_begin()
    s += question
""",
        """\
@sglc.function
def ask(s, question):
    s += sglc.user(question)
""",
    ),
    "SGL0207": Page(
        "An image or video is inserted, and the configured model reads text only.",
        """\
config:
    model = "qwen2.5-0.5b-instruct"

prompt look(photo: image):
    user: "{photo}What is this?"
""",
        """\
config:
    model = "qwen2.5-vl-3b-instruct"

prompt look(photo: image):
    user: "{photo}What is this?"
""",
    ),
    "SGL0208": Page(
        """\
The template renders earlier messages differently once a later one follows, as templates that drop
past reasoning do. What was computed for the earlier messages cannot be reused. Results are not
affected; the note is there because the cost is.""",
        """\
prompt chat(a: str, b: str):
    user: a
    assistant: first = gen(line)
    user: b
    assistant: second = gen(line)
""",
        """\
prompt chat(a: str):
    user: a
    assistant: first = gen(line)
""",
    ),
}
