"""``format``: the texts of each known format, as Python patterns of the whole text.

``NOTES`` says where a language is not exactly that of its standard. It is then smaller, so that
what is written is always valid.
"""

from __future__ import annotations

from functools import lru_cache

from sglc.constraints.automaton import Automaton

_H16 = "[0-9a-fA-F]{1,4}"
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_LS32 = f"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = (
    "(?:"
    + "|".join(
        (
            f"(?:{_H16}:){{6}}{_LS32}",
            f"::(?:{_H16}:){{5}}{_LS32}",
            f"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}",
            *(
                f"(?:(?:{_H16}:){{0,{n}}}{_H16})?::(?:{_H16}:){{{4 - n}}}{_LS32}"
                for n in range(1, 4)
            ),
            f"(?:(?:{_H16}:){{0,4}}{_H16})?::{_LS32}",
            f"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
            f"(?:(?:{_H16}:){{0,6}}{_H16})?::",
        )
    )
    + ")"
)

_FOURS = "(?:0[48]|[2468][048]|[13579][26])"  # two digits that 4 divides, but for 00
_LEAP = f"(?:[0-9][0-9]{_FOURS}|{_FOURS}00)"
_DATE = (
    "(?:(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP}-02-29)"
).replace("(?!0000)[0-9]{4}", "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)")
_HOUR = "(?:[01][0-9]|2[0-3])"
_OFFSET = f"(?:[zZ]|[+-]{_HOUR}:[0-5][0-9])"
_TIME = (
    rf"(?:{_HOUR}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?{_OFFSET}"
    r"|23:59:60(?:\.[0-9]+)?(?:[zZ]|[+-]00:00))"
)
_DURATION = (
    "P(?:[0-9]+W|(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)(?:T{t})?|T{t})"
).replace("{t}", "(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)")


def _labels(most: int, length: int) -> str:
    label = f"[a-zA-Z0-9](?:[a-zA-Z0-9-]{{0,{length - 2}}}[a-zA-Z0-9])?"
    return rf"{label}(?:\.{label}){{0,{most - 1}}}"


_HOSTNAME = f"(?:{_labels(3, 63)}|{_labels(7, 35)})"
_ATOM = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_SUB_DOMAIN = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_EMAIL = (
    rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})"
    rf"@(?:{_SUB_DOMAIN}(?:\.{_SUB_DOMAIN})*|\[(?:{_IPV4}|IPv6:{_IPV6})\])"
)

_PCT = "%[0-9a-fA-F]{2}"
_UNRESERVED = r"a-zA-Z0-9._~\-"
_SUBS = r"!$&'()*+,;="
_PCHAR = f"(?:[{_UNRESERVED}{_SUBS}:@]|{_PCT})"
_QUERY = f"(?:[{_UNRESERVED}{_SUBS}:@/?]|{_PCT})*"
_REG_NAME = f"(?:[{_UNRESERVED}{_SUBS}]|{_PCT})*"
_AUTHORITY = (
    f"(?:(?:[{_UNRESERVED}{_SUBS}:]|{_PCT})*@)?"
    rf"(?:\[(?:{_IPV6}|v[0-9a-fA-F]+\.[{_UNRESERVED}{_SUBS}:]+)\]|{_REG_NAME})(?::[0-9]*)?"
)
_HIER = (
    f"(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?|{_PCHAR}+(?:/{_PCHAR}*)*)?"
)
_TAIL = rf"(?:\?{_QUERY})?(?:#{_QUERY})?"
_URI = f"[a-zA-Z][a-zA-Z0-9+.-]*:{_HIER}{_TAIL}"
_NO_COLON = f"(?:[{_UNRESERVED}{_SUBS}@]|{_PCT})"
_RELATIVE = (
    f"(?://{_AUTHORITY}(?:/{_PCHAR}*)*|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
    f"|{_NO_COLON}+(?:/{_PCHAR}*)*)?{_TAIL}"
)
_POINTER = r"(?:/(?:[^/~]|~[01])*)*"
_HEX = "[0-9a-fA-F]"

FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f"{_DATE}[tT]{_TIME}",
    "duration": _DURATION,
    "email": _EMAIL,
    "hostname": _HOSTNAME,
    "ipv4": _IPV4,
    "ipv6": _IPV6,
    "uri": _URI,
    "uri-reference": f"(?:{_URI}|{_RELATIVE})",
    "uuid": f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}",
    "json-pointer": f"(?s){_POINTER}",
    "relative-json-pointer": f"(?s)(?:0|[1-9][0-9]*)(?:#|{_POINTER})",
}

_LEAP_SECONDS = "leap seconds only in UTC; "
NOTES = {
    "date": "RFC 3339 with leap years; no year 0000",
    "time": f"RFC 3339; {_LEAP_SECONDS}".rstrip("; "),
    "date-time": f"RFC 3339 with leap years; {_LEAP_SECONDS}no year 0000",
    "duration": "RFC 3339, appendix A",
    "email": "RFC 5321, without its limits of length",
    "hostname": "RFC 1123; three labels, or seven of up to 35 characters",
    "ipv4": "RFC 2673",
    "ipv6": "RFC 4291; no zone",
    "uri": "RFC 3986",
    "uri-reference": "RFC 3986",
    "uuid": "RFC 4122",
    "json-pointer": "RFC 6901",
    "relative-json-pointer": "draft-bhutton-relative-json-pointer-00",
}


@lru_cache(maxsize=32)
def format_texts(name: str) -> Automaton:
    """All texts of a known format."""
    return Automaton.from_regex(FORMATS[name])
