"""Three fields, one prompt: OPENAI_API_KEY=… python examples/python/openai_extraction.py

A chat model of OpenAI begins every message anew, so the message is written as a whole and cut.
"""

import sglc


@sglc.function(num_api_spec_tokens=64)
def extract(s, text):
    s += sglc.user(text + "\n\nAnswer in three lines: Name: …, Born: …, Job: …")
    s += sglc.assistant(
        "Name:"
        + sglc.gen("name", stop="\n")
        + "\nBorn:"
        + sglc.gen("born", stop="\n")
        + "\nJob:"
        + sglc.gen("job", stop="\n")
    )


with sglc.OpenAI("gpt-4o-mini") as backend:
    state = extract.run(
        text="Ada Lovelace, born in 1815, wrote the first program.", backend=backend, temperature=0
    )
    print(state["name"], state["born"], state["job"], sep="|")
    print(backend.token_usage.requests, "request")
