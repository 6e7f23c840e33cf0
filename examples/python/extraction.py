"""A text in, an object of a Pydantic model out: python examples/python/extraction.py"""

from pydantic import BaseModel, Field

import sglc


class Person(BaseModel):
    name: str = Field(max_length=24)
    age: int = Field(ge=0, lt=130)
    city: str = Field(max_length=24)


@sglc.function
def extract(s, text):
    s += sglc.user("Extract the name, age, city as JSON: " + text)
    s += sglc.assistant(sglc.gen("person", type=Person))


with sglc.Engine() as engine:
    texts = [
        "Emma is 34 years old and lives in Oslo.",
        "Leo, who is 53, lives in Rome.",
    ]
    states = extract.run_batch([{"text": text} for text in texts], backend=engine, temperature=0)
    people = [state["person"] for state in states]
    for person in people:
        print(person)
    print("the oldest:", max(people, key=lambda person: person.age).name)
