"""Host functions of the error programs."""


def shout(text: str) -> str:
    """Return ``text`` in capitals."""
    return text.upper()


def ask(question: str, times: int = 1) -> list[str]:
    """Return ``question`` several times."""
    return [question] * times
