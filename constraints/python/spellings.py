"""Patterns of standard types as Python and Pydantic both write and read them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Final

_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_FOURS = "(?:0[48]|[2468][048]|[13579][26])"  # two digits that 4 divides, but for 00
DATE: Final = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|(?:[0-9][0-9]{_FOURS}|{_FOURS}00)-02-29)"
)
_HOUR = "(?:[01][0-9]|2[0-3])"
_ZONE = f"(?:Z|[+-]{_HOUR}:[0-5][0-9])"
NAIVE_TIME: Final = rf"{_HOUR}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?"
AWARE_TIME: Final = NAIVE_TIME + _ZONE
TIME: Final = f"{NAIVE_TIME}{_ZONE}?"

_NUMBER = "[0-9]{1,6}"
_SECONDS = rf"{_NUMBER}(?:\.[0-9]{{1,6}})?S"
_CLOCK = f"T(?:{_NUMBER}H(?:{_NUMBER}M)?(?:{_SECONDS})?|{_NUMBER}M(?:{_SECONDS})?|{_SECONDS})"
DURATION: Final = f"-?P(?:(?:{_NUMBER}Y(?:{_NUMBER}D)?|{_NUMBER}D)(?:{_CLOCK})?|{_CLOCK})"
"""Years of 365 days, days, hours, minutes, seconds: what Pydantic writes for a timedelta."""
_DURATION_PARTS = re.compile(
    r"(-?)P(?:(\d+)Y)?(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?"
)
_YEAR_DAYS: Final = 365

UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UUID_VERSIONS: Final = {
    f"uuid{number}": f"[0-9a-f]{{8}}-[0-9a-f]{{4}}-{number}[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}"
    "-[0-9a-f]{12}"
    for number in range(1, 9)
}

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_LABEL = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = (
    rf"(?:(?:{_LABEL}\.)*[a-z](?:[a-z0-9-]*[a-z0-9])?|(?:{_BYTE}\.){{3}}{_BYTE}"
    r"|\[(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\]|\[::1\])"
)
_PATH_CHARS = 1500  # Pydantic reads 2083 characters in all
_PORT = "(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2})"


def web_address(schemes: Iterable[str]) -> str:
    """Return a pattern of addresses with one of the schemes, a host, and what may follow it."""
    known = "|".join(map(re.escape, schemes))
    user = "[!$&-.0-9;=A-Z_a-z~%]*(?::[!$&-.0-9;=A-Z_a-z~%]*)?@"
    return rf"(?:{known})://(?:{user})?{_HOST}(?::{_PORT})?(?:[/?#][!-~]{{0,{_PATH_CHARS}}})?"


def decimals(digits: int | None, places: int | None) -> str:
    """Return a pattern of decimal numbers of so many digits in all, and behind the point.

    A zero before the point is no digit.
    """
    if digits is None:
        return "-?(?:0|[1-9][0-9]*)" + _fraction(places)
    most = digits if places is None else min(places, digits)
    cases = ["0" + _fraction(most)]
    cases += [
        f"[1-9][0-9]{{{front - 1}}}" + _fraction(min(most, digits - front))
        for front in range(1, digits + 1 - (places or 0))
    ]
    return f"-?(?:{'|'.join(cases)})"


def _fraction(places: int | None) -> str:
    if places is None:
        return r"(?:\.[0-9]+)?"
    return rf"(?:\.[0-9]{{1,{places}}})?" if places else ""


def at_least(text: str) -> str:
    """Return a pattern of the texts, alike in digits and dashes, that do not sort below one."""
    return _beyond(text, "9", 1)


def at_most(text: str) -> str:
    """Return a pattern of the texts, alike in digits and dashes, that do not sort above one."""
    return _beyond(text, "0", -1)


def _beyond(text: str, last: str, turn: int) -> str:
    cases = [text]
    for i, char in enumerate(text):
        if char.isdigit() and char != last:
            low, high = sorted((chr(ord(char) + turn), last))
            cases.append(f"{text[:i]}[{low}-{high}][0-9-]{{{len(text) - i - 1}}}")
    return f"(?:{'|'.join(cases)})"


def read_duration(text: str) -> datetime.timedelta:
    """Return the timedelta that a text of ``DURATION`` says.

    Raises:
        ValueError: it says none.
    """
    found = _DURATION_PARTS.fullmatch(text)
    if found is None or text.endswith(("P", "T")):
        raise ValueError("no duration such as P1DT2H30M")
    sign, *parts, fraction = found.groups()
    years, days, hours, minutes, seconds = (int(part or 0) for part in parts)
    micros = int((fraction or "0").ljust(6, "0")[:6])
    days += years * _YEAR_DAYS
    try:
        made = datetime.timedelta(days, seconds, micros, 0, minutes, hours)
        return -made if sign else made
    except OverflowError as error:
        raise ValueError(str(error)) from None


def write_duration(value: datetime.timedelta) -> str:
    """Return a timedelta as a text of ``DURATION``.

    Raises:
        ValueError: it is of more than 999,999 years.
    """
    size = abs(value)
    years, days = divmod(size.days, _YEAR_DAYS)
    if years > 999_999:
        raise ValueError("more than 999999 years")
    hours, seconds = divmod(size.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{size.microseconds:06}".rstrip("0").rstrip(".")
    named = [(years, "Y"), (days, "D")]
    front = "".join(f"{number}{name}" for number, name in named if number)
    clock = "".join(f"{number}{name}" for number, name in [(hours, "H"), (minutes, "M")] if number)
    if seconds or fraction or not (front or clock):
        clock += f"{seconds}{fraction}S"
    return ("-" if value < datetime.timedelta(0) else "") + "P" + front + (clock and f"T{clock}")
