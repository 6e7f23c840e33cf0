"""Words that several generators draw from: people, places, animals, things."""

GIRLS = (
    "Mia", "Lily", "Anna", "Sara", "Emma", "Nina", "Zoe", "Ella", "Ruth", "Clara", "Alice", "Maria",
    "Nora", "Iris", "Julia", "Leila", "Priya", "Hana", "Rosa", "Tess",
)  # fmt: skip
BOYS = (
    "Tom", "Ben", "Max", "Leo", "Sam", "Jack", "Omar", "Finn", "Noah", "Adam", "Bob", "Hugo",
    "Paul", "Ravi", "Ken", "Luis", "Oscar", "Theo", "John", "David",
)  # fmt: skip
PEOPLE = GIRLS + BOYS
CITIES = (
    "Paris", "London", "Berlin", "Madrid", "Rome", "Tokyo", "Oslo", "Vienna", "Cairo", "Lima",
    "Boston", "Chicago", "Seattle", "Sydney", "Toronto", "Dublin", "Lisbon", "Athens", "Prague",
    "Warsaw", "Delhi", "Seoul", "Nairobi", "Havana", "Munich", "Lyon", "Porto", "Austin",
)  # fmt: skip
JOBS = (
    "teacher", "doctor", "baker", "pilot", "painter", "farmer", "nurse", "writer", "engineer",
    "singer", "cook", "lawyer", "student", "gardener", "programmer",
)  # fmt: skip
ANIMALS = (
    "cat", "dog", "fox", "rabbit", "bear", "mouse", "owl", "frog", "duck", "horse", "turtle",
    "lion", "elephant", "squirrel", "hedgehog", "dragon", "whale", "penguin", "goat", "robin",
)  # fmt: skip
THINGS = (
    "apple", "book", "pencil", "cookie", "marble", "sticker", "coin", "egg", "flower", "ball",
    "stamp", "shell", "candy", "card", "pear", "cupcake", "toy", "button",
)  # fmt: skip
PLURALS = {
    thing: thing[:-1] + "ies" if thing.endswith("y") and thing != "toy" else thing + "s"
    for thing in THINGS
}
