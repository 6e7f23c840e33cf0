"""Formats against the standard library's own parsers."""

from __future__ import annotations

import datetime
import ipaddress
import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints.schema import SchemaError, SchemaOptions, compile_schema
from sglc.constraints.schema.formats import FORMATS, NOTES, format_texts
from tests.constraints.schema.verdicts import random_text


def test_dates_are_those_of_the_calendar() -> None:
    dates = format_texts("date")
    for year in (1, 1900, 2000, 2023, 2024, 2100, 9999):
        for month in range(14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                try:
                    datetime.date.fromisoformat(text)
                    expected = True
                except ValueError:
                    expected = False
                assert dates.accepts(text.encode()) == expected, text
    assert not dates.accepts(b"0000-01-01")


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**32 - 1))
def test_addresses(six: int, four: int) -> None:
    address = ipaddress.IPv6Address(six)
    for text in (str(address), address.exploded, f"::ffff:{ipaddress.IPv4Address(four)}"):
        assert format_texts("ipv6").accepts(text.encode())
    assert format_texts("ipv4").accepts(str(ipaddress.IPv4Address(four)).encode())


@pytest.mark.parametrize("name", ["date", "ipv4", "ipv6", "uuid"])
def test_what_is_written_is_read(name: str) -> None:
    read = {
        "date": datetime.date.fromisoformat,
        "ipv4": ipaddress.IPv4Address,
        "ipv6": ipaddress.IPv6Address,
        "uuid": uuid.UUID,
    }[name]
    rng = random.Random(5)
    for _ in range(200):
        read(random_text(format_texts(name), rng).decode())


def test_leap_seconds_and_long_hosts() -> None:
    times = format_texts("time")
    assert times.accepts(b"23:59:60Z")
    assert not times.accepts(b"23:58:60Z")
    assert not times.accepts(b"12:00:00")
    hosts = format_texts("hostname")
    label = "a" * 63
    assert hosts.accepts(f"{label}.{label}.{label}".encode())
    assert not hosts.accepts(f"{label}a".encode())
    longest = hosts.longest_len()
    assert longest is not None
    assert longest <= 253


def test_every_format_has_a_note_and_unknown_ones_are_refused() -> None:
    assert FORMATS.keys() == NOTES.keys()
    schema = {"properties": {"a": {"format": "color"}}}
    with pytest.raises(SchemaError, match="#/properties/a/format: the format `color`") as error:
        compile_schema(schema)
    assert "pattern" in error.value.hint
    report = compile_schema(schema, options=SchemaOptions(formats="known")).report
    assert ("#/properties/a", "format", "annotation") in {entry[:3] for entry in report.entries}
