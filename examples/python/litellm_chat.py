"""Any model of LiteLLM: GROQ_API_KEY=… python examples/python/litellm_chat.py

Needs pip install "sglc[litellm]".
"""

import sglc


@sglc.function
def ask(s, question):
    s += sglc.user(question) + sglc.assistant(sglc.gen("answer", max_tokens=64))


with sglc.LiteLLM("groq/llama-3.1-8b-instant") as backend:
    state = ask.run(question="What is the capital of France?", backend=backend, stream=True)
    for piece in state.text_iter("answer"):
        print(piece, end="", flush=True)
    print()
