"""Fetching never gets to where a stranger could not go; without its guards each case would."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from generators.net import PUBLIC, Net, answer, redirect
from hypothesis import given
from hypothesis import strategies as st

from sglc.server.security.addresses import is_public
from sglc.server.security.data_urls import read_data_url
from sglc.server.security.fetch import Fetched
from sglc.server.security.targets import FetchError, Target

On = Callable[..., Any]
SECRET = answer(b"the secret of the inside")
IMAGE = Fetched(b"an image", "image/png")
REPLIES = {
    "/": SECRET,
    "/image": answer(b"an image", "Image/PNG; q=1"),
    "/inside": redirect("http://127.0.0.1/"),
    "/named": redirect("http://inside.example/"),
    "/relative": redirect("/image"),
    "/loop": redirect("/loop"),
    "/file": redirect("file:///etc/passwd"),
    "/text": answer(b"<script>", "text/html"),
    "/large": answer(b"x" * 5000),
    "/declared": answer(b"", "image/png", "Content-Length: 5000"),
    "/packed": answer(b"\x1f\x8b", "image/png", "Content-Encoding: gzip"),
    "/missing": answer(b"", status="404 Not Found"),
    "/broken": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
    "/nonsense": b"220 smtp.example ready\r\n\r\n",
    "/head": answer(b"", "image/png", "X: " + "y" * 200_000),
    "/posted": answer(b"{}", "application/json"),
}


def net(**names: list[Any]) -> Net:
    """A net with a public host ``outside`` and others."""
    known = {"outside.example": [[PUBLIC]], "inside.example": [["10.0.0.7"]]}
    return Net(dict(REPLIES), known | {f"{name}.example": a for name, a in names.items()})


def get(on: On, made: Net, url: str, **policy: Any) -> Fetched:
    async def work() -> Fetched:
        place = url.replace("PORT", str(made.port))
        return await made.fetcher(**policy).get(place, ["image/"])

    found: Fetched = on(made, work)
    return found


def test_what_is_listed_is_fetched_from_the_address_that_was_checked(on: On) -> None:
    made = net()
    assert get(on, made, "http://outside.example/image") == IMAGE
    assert (made.connected, made.resolved) == ([PUBLIC], ["outside.example"])
    assert b"Host: outside.example\r\n" in made.requests[0]
    assert get(on, made, "http://outside.example/relative") == IMAGE


def test_nothing_is_fetched_unless_it_is_listed(on: On) -> None:
    made = net()
    for hosts in ((), ("other.example",), ("*.outside.example",), ("outside.example:8080",)):
        with pytest.raises(FetchError, match="has not listed"):
            get(on, made, "http://outside.example/image", hosts=hosts)
    assert (made.connected, made.resolved) == ([], [])
    assert get(on, made, "http://outside.example/image", hosts=("*.example",)) == IMAGE


INSIDE = [
    "http://127.0.0.1:PORT/",
    "http://localhost:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://loop.example:PORT/",
    "http://mapped.example:PORT/",
    "http://both.example:PORT/",
]
NAMES = {
    "loop": [["127.0.0.1"]],
    "mapped": [["::ffff:127.0.0.1"]],
    "both": [["127.0.0.1", PUBLIC]],
}


@pytest.mark.parametrize("url", INSIDE)
def test_no_name_and_no_form_of_an_address_leads_inside(url: str, on: On) -> None:
    made = net(**NAMES)
    with pytest.raises(FetchError, match="not a public one"):
        get(on, made, url)
    assert made.connected == []
    # It is the check of the address that holds it up: without, the secret is out.
    assert get(on, net(**NAMES), url, allows_private=True).data == b"the secret of the inside"


@pytest.mark.parametrize("path", ["/inside", "/named"])
def test_a_redirect_does_not_lead_inside(path: str, on: On) -> None:
    names = {"inside": [["127.0.0.1"]]}
    made = net(**names)
    with pytest.raises(FetchError, match="not a public one"):
        get(on, made, f"http://outside.example{path}")
    assert made.connected == [PUBLIC]
    found = get(on, net(**names), f"http://outside.example{path}", allows_private=True)
    assert found.data == b"the secret of the inside"


def test_a_redirect_does_not_lead_off_the_list(on: On) -> None:
    made = net(inside=[[PUBLIC]])
    with pytest.raises(FetchError, match="has not listed"):
        get(on, made, "http://outside.example/named", hosts=("outside.example",))
    assert made.connected == [PUBLIC]


def test_a_name_that_changes_its_address_is_asked_once(on: On) -> None:
    made = net(turns=[[PUBLIC], ["127.0.0.1"]])
    assert get(on, made, "http://turns.example/image") == IMAGE
    assert (made.connected, made.resolved) == ([PUBLIC], ["turns.example"])


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/loop", "more than 3 redirects"),
        ("/file", "only http and https"),
        ("/text", "of the type `text/html`"),
        ("/large", "has more than 1000 bytes"),
        ("/declared", "has 5000 bytes; 1000 are the limit"),
        ("/packed", "compressed"),
        ("/missing", "status 404"),
        ("/broken", "broken off"),
        ("/nonsense", "broken off"),
        ("/head", "broken off"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(path: str, says: str, on: On) -> None:
    with pytest.raises(FetchError, match=says):
        get(on, net(), f"http://outside.example{path}", max_bytes=1000)


def test_a_slow_answer_is_cut_off(on: On) -> None:
    made = net()
    made.delay_s = 5.0
    with pytest.raises(FetchError, match=r"within 0\.05 s"):
        get(on, made, "http://outside.example/image", timeout_s=0.05)


def test_a_post_is_not_redirected(on: On) -> None:
    made = net()

    def post(path: str) -> Fetched:
        async def work() -> Fetched:
            fetcher = made.fetcher()
            return await fetcher.post(f"http://outside.example{path}", b'{"a":1}', {"X-Sign": "s"})

        found: Fetched = on(made, work)
        return found

    assert post("/posted") == Fetched(b"{}", "application/json")
    assert b"X-Sign: s\r\n" in made.requests[0]
    with pytest.raises(FetchError, match="a redirect"):
        post("/inside")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://outside.example/",
        "file:///etc/passwd",
        "gopher://outside.example/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://a@127.0.0.1/",
        "http://outside.example@127.0.0.1/",
        "http://outside.example\\@127.0.0.1/",
        "http://outside.example\r\nHost: x/",
        "http://outside.example/ x",
        "http://①②⑦.⓪.⓪.①/",
        "http://outside%2eexample/",
        "http://[fe80::1%25eth0]/",
        "http://[::1",
        "http:///x",
        "http://outside..example/",
        "http://outside.example:99999/",
        "http://" + "a" * 9000,
        "",
    ],
)
def test_what_can_be_read_in_more_than_one_way_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        Target.parse(url)


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("http://a.example/", "https://a.example/"),
        ("http://a.example:8080/x", "http://b.a.example:8080/"),
        ("https://[2606:4700::1]/", "https://[2606:4700::2]/"),
        ("http://8.8.8.8:81/", "http://8.8.8.8/"),
    ],
)
def test_an_entry_lists_a_host_at_a_port_and_nothing_else(url: str, other: str) -> None:
    hosts = [Target.parse(url).entry]
    assert Target.parse(url).is_listed(hosts)
    assert not Target.parse(other).is_listed(hosts)


def test_the_system_reads_as_addresses_what_is_refused_above() -> None:
    """So the refusal is needed, or the check of addresses that comes after it."""

    async def read(host: str) -> set[str]:
        loop = asyncio.get_running_loop()
        return {str(a[0]) for *_, a in await loop.getaddrinfo(host, 80)}

    for host in ("2130706433", "0177.0.0.1", "0x7f.1", "127.1"):
        assert asyncio.run(read(host)) == {"127.0.0.1"}
        assert not is_public("127.0.0.1")


@given(st.ip_addresses(v=4))
def test_an_address_of_ipv4_is_as_public_in_every_dress_of_ipv6(address: IPv4Address) -> None:
    number = int(address)
    dresses = [
        IPv6Address(0xFFFF << 32 | number),  # mapped
        IPv6Address(0x64FF9B << 96 | number),  # NAT64
        IPv6Address(0x2002 << 112 | number << 80),  # 6to4
    ]
    public = address.is_global and not address.is_multicast
    assert is_public(str(address)) == public
    assert [is_public(str(each)) for each in dresses] == [public] * 3


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",
        "192.0.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "x", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@given(st.binary(max_size=50))
def test_a_data_url_holds_what_was_put_into_it(data: bytes) -> None:
    packed = base64.b64encode(data).decode()
    for url in (f"data:image/png;base64,{packed}", f"data:image/png,{quote_from_bytes(data)}"):
        assert read_data_url(url, ["image/"], 50) == Fetched(data, "image/png")
        if data:
            with pytest.raises(FetchError, match="more than"):
                read_data_url(url, ["image/"], len(data) - 1)


@pytest.mark.parametrize(
    "url", ["http://x/", "data:image/png;base64", "data:image/png;base64,a", "data:text/html,x"]
)
def test_what_is_no_data_url_of_the_type_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        read_data_url(url, ["image/"], 100)
