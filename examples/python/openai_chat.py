"""Two turns with a model of OpenAI: OPENAI_API_KEY=… python examples/python/openai_chat.py

With OPENAI_BASE_URL it asks any other server with an address of that kind.
"""

import sglc


@sglc.function
def two_turns(s, first, second):
    s += sglc.system("You are a helpful assistant.")
    s += sglc.user(first) + sglc.assistant(sglc.gen("answer", max_tokens=64))
    s += sglc.user(second) + sglc.assistant(sglc.gen("more", max_tokens=64))


with sglc.OpenAI("gpt-4o-mini") as backend:
    state = two_turns.run(
        first="What is the capital of France?", second="List two sights.", backend=backend
    )
    for message in state.messages():
        print(f"{message['role']}: {message['content']}")
    print(f"{backend.price(input=0.15, output=0.60):.6f} dollars")
