"""A deployment at Azure: AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, OPENAI_API_VERSION are set.

python examples/python/azure_chat.py
"""

import sglc


@sglc.function
def ask(s, question):
    s += sglc.user(question) + sglc.assistant(sglc.gen("answer", max_tokens=64))


with sglc.OpenAI("gpt-4o-mini", is_azure=True, azure_deployment="my-gpt-4o-mini") as backend:
    print(ask.run(question="What is the capital of France?", backend=backend)["answer"])
