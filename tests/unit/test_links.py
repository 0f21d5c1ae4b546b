"""Which address a link file names, and whether it may be opened."""

from __future__ import annotations

import plistlib
from ipaddress import ip_address
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxtrald.errors import Reason, RecordingError
from voxtrald.links import (
    LONGEST_FILE_BYTES,
    ascii_host,
    host_entry,
    is_listed,
    is_public,
    read_address,
    read_link,
)
from voxtrald.naming import IgnoreRules, is_recording_name

ADDRESS = "https://media.example.org/talk.mp3?sig=a%2Fb&x=1"
SHORTCUT = f"[InternetShortcut]\r\nURL={ADDRESS}\r\nIconIndex=0\r\n"
HOSTS = ("media.example.org", "*.cdn.example", "lab.example:8000")

RULES = (IgnoreRules(), IgnoreRules(takes_links=True))

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
hosts = st.lists(labels, min_size=1, max_size=4).map(".".join)
ports = st.integers(min_value=1, max_value=65_535)


def reason_of(action, *args, **options):
    """Do what fails and give the reason."""
    with pytest.raises(RecordingError) as caught:
        action(*args, **options)
    return caught.value.reason


def outcome_of(action, *args, **options):
    """Give the result, or the reason why there is none."""
    try:
        return action(*args, **options)
    except RecordingError as error:
        return error.reason


def test_link_files_are_offered_only_where_they_are_taken():
    """Their names mean nothing to transcribe by default; no other name of that kind is offered with them."""
    names = ["a.url", "sub/A.WEBLOC", "a.lnk", "a.m3u", ".a.url"]
    offered = [[name for name in names if is_recording_name(PurePosixPath(name), rules)] for rules in RULES]

    assert offered == [[], ["a.url", "sub/A.WEBLOC"]]


# --- what a file says ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        SHORTCUT.encode(),
        SHORTCUT.replace("\r\n", "\n").encode(),
        SHORTCUT.encode("utf-8-sig"),
        SHORTCUT.encode("utf-16"),
        b"\xfe\xff" + SHORTCUT.encode("utf-16-be"),
        SHORTCUT.replace("URL", "url").replace("Internet", "INTERNET").encode(),
        SHORTCUT.replace("=", " = ", 1).encode(),
        ("[{000214A0-0000-0000-C000-000000000046}]\nProp3=19,11\n" + SHORTCUT).encode(),
        SHORTCUT.encode() + "Comment=Jānis".encode("cp1257"),
        b"; made by hand\n[DEFAULT]\nBASEURL=http://other.example\n" + SHORTCUT.encode(),
    ],
    ids=["windows", "unix", "utf-8 mark", "utf-16", "utf-16 be", "case", "spaces", "sections", "code page", "comment"],
)
def test_a_windows_shortcut_is_read(content):
    """A shortcut gives its address, whatever encoding and line ends it was written with."""
    assert read_link("talk.URL", content) == ADDRESS


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_a_macos_link_is_read(form):
    """A link of either form gives its address."""
    assert read_link("talk.webloc", plistlib.dumps({"URL": ADDRESS, "n": 1}, fmt=form)) == ADDRESS


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.url", b"", Reason.EMPTY),
        ("a.url", b"https://media.example.org/", Reason.UNREADABLE),
        ("a.url", b"[InternetShortcut]\nURL=\n", Reason.UNREADABLE),
        ("a.url", b"[InternetShortcut]\nURL\n", Reason.UNREADABLE),
        ("a.url", b"[Other]\nURL=https://media.example.org/\n", Reason.UNREADABLE),
        ("a.url", b"[InternetShortcut]\nURL=https://a/\n" + b";" * LONGEST_FILE_BYTES, Reason.UNREADABLE),
        ("a.url", b"\xff\xfe\x00", Reason.UNREADABLE),
        ("a.webloc", plistlib.dumps(["https://media.example.org/"]), Reason.UNREADABLE),
        ("a.webloc", plistlib.dumps({"URL": 5}), Reason.UNREADABLE),
        ("a.webloc", b"<plist><dict><key>URL</key><date>never</date></dict></plist>", Reason.UNREADABLE),
        ("a.webloc", b'<!DOCTYPE x [<!ENTITY a "b">]><plist><string>&a;</string></plist>', Reason.UNREADABLE),
        ("a.webloc", SHORTCUT.encode(), Reason.UNREADABLE),
        ("a.mp3", SHORTCUT.encode(), Reason.UNREADABLE),
    ],
)
def test_a_link_file_without_an_address_is_told(name, content, reason):
    """Where no address can be read, the file is at fault and the reason says so."""
    assert reason_of(read_link, name, content) is reason


@given(
    name=st.sampled_from(["a.url", "a.webloc"]),
    head=st.sampled_from([b"", b"bplist00", b"<plist>", b"\xff\xfe", b"[InternetShortcut]\nURL="]),
    tail=st.binary(max_size=200),
)
@example(name="a.webloc", head=b"", tail=b"<plist>" + b"<array>" * 5000)
@example(name="a.webloc", head=b"bplist00", tail=b"\xa1\x00\x08" + bytes(6) + b"\x01\x01" + bytes(7) + b"\x01" * 17)
def test_no_content_of_a_link_file_does_harm(name, head, tail):
    """Whatever bytes a file holds, there is an address or the file is at fault."""
    outcome = outcome_of(read_link, name, head + tail)

    if isinstance(outcome, Reason):
        assert outcome in {Reason.EMPTY, Reason.UNREADABLE}
    else:
        assert outcome == outcome.strip() != ""


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        (ADDRESS, ADDRESS, "https://media.example.org/talk.mp3"),
        ("HTTP://MEDIA.Example.org.", "http://media.example.org/", "http://media.example.org/"),
        ("https://media.example.org:443/a", "https://media.example.org/a", "https://media.example.org/a"),
        ("http://media.example.org:443/a", "http://media.example.org:443/a", "http://media.example.org:443/a"),
        ("http://lab.example:8000/a#t=5", "http://lab.example:8000/a", "http://lab.example:8000/a"),
        (
            "https://a.b.cdn.example/rīts un vakars.mp3?q=ē",
            "https://a.b.cdn.example/r%C4%ABts%20un%20vakars.mp3?q=%C4%93",
            "https://a.b.cdn.example/r%C4%ABts%20un%20vakars.mp3",
        ),
        ("http://media.example.org/\\|", "http://media.example.org/%5C%7C", "http://media.example.org/%5C%7C"),
        ("https://media.example.org?x=1", "https://media.example.org/?x=1", "https://media.example.org/"),
        (
            "https://\uff2d\uff25\uff24\uff29\uff21\u3002example.org/",
            "https://media.example.org/",
            "https://media.example.org/",
        ),
    ],
)
def test_an_address_is_written_anew(text, url, shown):
    """What is opened is made of the parts that were judged, and what is shown ends before the question mark."""
    address = read_address(text, hosts=HOSTS)

    assert (address.url, address.shown) == (url, shown)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://media.example.org/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//media.example.org/a",
        "media.example.org/a",
        "https:///a",
        "https://media.example.org /a",
        "https://media.example.org\n/a",
        "https://user@media.example.org/a",
        "https://user:word@media.example.org/a",
        "https://other.example/a",
        "https://cdn.example/a",
        "https://xmedia.example.org/a",
        "https://media.example.org.evil.example/a",
        "https://evil.example\\@media.example.org/a",
        "https://evil.example#@media.example.org/a",
        "https://evil.example?@media.example.org/a",
        "https://media.example.org:22/a",
        "https://media.example.org:8000/a",
        "http://lab.example/a",
        "http://lab.example:8001/a",
        "https://media.example.org:99999/a",
        "https://media.example.org:0/a",
        "https://[::1]/a",
        "https://[media.example.org]/a",
        "https://media.example.org%2eevil.example/a",
        "https://media..example.org/a",
        "https://℀.example/a",
        "https://media.example.org/" + "a" * 9000,
        "https://127.0.0.1/",
        "https://2130706433/",
    ],
)
def test_an_address_that_may_not_be_opened_is_refused(text):
    """Other schemes, users, hosts and ports than those allowed are refused, however they are dressed up."""
    assert reason_of(read_address, text, hosts=HOSTS) is Reason.LINK_REFUSED


@given(text=st.text(max_size=60) | st.from_regex(r"https?://[a-z.:@/\\?#\[\]%0-9]{0,30}", fullmatch=True))
def test_an_address_leads_to_a_listed_host_or_nowhere(text):
    """Whatever a link says, its host is on the list, and the address in ASCII names that very host."""
    listed = ("a", "*.b", "c.a:81")
    address = outcome_of(read_address, text, hosts=listed)

    if address is not Reason.LINK_REFUSED:
        assert is_listed(address.host, address.port, hosts=listed)
        assert address.url.isascii()
        assert address.url.startswith((f"http://{address.host}", f"https://{address.host}"))


@given(host=hosts, path=st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), max_size=20))
def test_an_address_written_anew_stays_as_it_is(host, path):
    """Reading the result once more changes nothing."""
    once = read_address(f"https://{host}/{path}", hosts=(host,))

    assert read_address(once.url, hosts=(host,)) == once


def test_a_password_in_an_address_is_named_and_not_repeated():
    """The report says what is wrong with the address without telling the password to whoever reads it."""
    with pytest.raises(RecordingError, match="user name or a password") as caught:
        read_address("https://us:hidden@media.example.org/", hosts=HOSTS)
    assert "hidden" not in caught.value.message + caught.value.hint


def test_an_address_does_not_show_its_query():
    """The representation of an address, which may reach a log, holds no path and no signature."""
    assert "sig" not in repr(read_address(ADDRESS, hosts=HOSTS))


# --- hosts --------------------------------------------------------------------------------------------------


@given(host=hosts, below=labels, port=ports)
def test_an_entry_allows_its_host_alone(host, below, port):
    """A host allows itself and none below it, a star those below it and not itself, a port only that one."""
    assert is_listed(host, 443, hosts=[host])
    assert not is_listed(f"{below}.{host}", 443, hosts=[host])
    assert is_listed(f"{below}.{host}", 80, hosts=[f"*.{host}"])
    assert not is_listed(host, 80, hosts=[f"*.{host}"])
    assert is_listed(host, port, hosts=[f"{host}:{port}"])
    assert is_listed(host, port, hosts=[host]) == (port in {80, 443})


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Media.Example.ORG", "media.example.org"),
        ("*.Example.com.", "*.example.com"),
        ("müller.example:08000", "xn--mller-kva.example:8000"),
        ("10.0.0.1", "10.0.0.1"),
    ],
)
def test_an_entry_has_one_form(text, entry):
    """Entries are compared in small letters, in ASCII, without needless dots and zeros."""
    assert host_entry(text) == entry
    assert host_entry(entry) == entry


@pytest.mark.parametrize(
    "text", ["", "*", "*.", "a:", "a:0", "a:70000", "a b", "-a", "a_b", "a.*.b", "http://a", "a/b"]
)
def test_what_is_no_entry_is_refused(text):
    """An entry that could not match what its writer meant is no entry."""
    with pytest.raises(ValueError, match=r".+"):
        host_entry(text)


def test_a_name_in_another_script_is_the_one_that_browsers_look_up():
    """A German sharp s keeps its own name, as in browsers, and is not taken for a double s."""
    assert ascii_host("faß.example") == "xn--fa-hia.example"


# --- where a name leads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.5", "192.88.99.1"),
        *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1"),
        *("100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "5f00::1"),
    ],
)
def test_an_address_inside_is_not_public(address):
    """This machine, its networks, the metadata service, many at once, and addresses in addresses are not public."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["9.9.9.9", "93.184.216.34", "223.255.255.1", "2620:fe::fe", "2a00:1450:4001::1"])
def test_an_address_of_the_internet_is_public(address):
    """Ordinary addresses may be opened."""
    assert is_public(ip_address(address))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_private(address):
    """Our judgement is stricter than the standard library's, never laxer."""
    if is_public(address):
        assert address.is_global
        assert not any([address.is_private, address.is_multicast, address.is_loopback, address.is_link_local])
