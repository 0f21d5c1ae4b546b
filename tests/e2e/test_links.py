"""Link files, with the installed command in a network of its own in which a public address is ours."""

from __future__ import annotations

import ctypes
import hashlib
import os
import plistlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.daemon import SMALL_CHUNKS, Place, files_in, opened
from tests.integration.weblab import Web, moved, said, serving
from tests.standin.faults import Status
from tests.standin.script import TRANSCRIBE, UPLOAD
from tests.standin.server import Standin

PUBLIC = "9.9.9.9"  # an address that is public by every rule; in the tests' own network it is this machine
LINKS = {"links": True, "link_hosts": [PUBLIC]}
_CLONE_NEWNET = 0x40000000


@pytest.fixture
def network() -> Iterator[None]:
    """Move this test into a network that ends at this machine, and which has a public address."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and ip (iproute2): to make a network in which a public address is this machine's")
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(_CLONE_NEWNET) != 0:
            pytest.skip(f"needs the right to make a network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            for command in ("link set lo up", f"addr add {PUBLIC}/32 dev lo"):
                subprocess.run(["ip", *command.split()], check=True)
            yield
        finally:
            assert libc.setns(home, _CLONE_NEWNET) == 0
    finally:
        os.close(home)


@pytest.fixture
def place(network, tmp_path) -> Iterator[Place]:  # noqa: ARG001 - the servers have to begin in that network
    """Give folders, and a stand-in for the service in the same network."""
    with Standin() as standin, opened(tmp_path, standin) as place:
        yield place
        assert standin.violations == []


@pytest.fixture
def web(network) -> Iterator[Web]:  # noqa: ARG001 - see above
    """Serve at the public address."""
    with serving({}, place=PUBLIC, port=80) as web:
        yield web


def shortcut(address):
    """Write a link as Windows does."""
    return f"[InternetShortcut]\r\nURL={address}\r\n"


def sha256(path):
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- fetched by us ------------------------------------------------------------------------------------------


def test_what_a_link_names_is_fetched_and_transcribed(place, web, recordings, make_files):
    """What the service cannot fetch it gets in chunks, and the link follows the transcript."""
    talk = recordings.make("mp3-cbr", 30, seed=2)
    web.pages |= {
        "/a": moved("/talk.mp3"),
        "/talk.mp3": [said(status="503 Busy"), said(talk.path.read_bytes(), content_type="audio/mpeg")],
    }
    place.standin.elsewhere[f"http://{PUBLIC}/a?sig=SECRETSIG"] = None  # nor does the service find it
    daemon = place.start({"watch": LINKS, "chunks": SMALL_CHUNKS})
    make_files(place.inbox, {"sub/talk.url": shortcut(f"http://{PUBLIC}/a?sig=SECRETSIG")})
    place.finish("sub/talk.url")

    result = place.result("sub/talk")
    assert place.words("sub/talk") == talk.words
    assert result["source"]["name"] == "talk.url"
    assert result["source"]["sha256"] == sha256(talk.path)
    assert result["source"]["size_bytes"] == talk.path.stat().st_size
    assert result["source"]["address"] == f"http://{PUBLIC}/a"
    assert len(result["chunks"]) > 2
    assert daemon.stop() == 0
    assert daemon.events("fetch_retry_scheduled", host=PUBLIC)
    assert daemon.events("link_fetched", host=PUBLIC, size_bytes=talk.path.stat().st_size)
    assert "SECRETSIG" not in daemon.log.read_text()
    assert files_in(place.state / "work") == []
    place.assert_clean()


def test_a_link_that_was_done_before_costs_nothing(place, web, recordings, make_files):
    """Another link to the same content gets its transcript from the answers that are kept."""
    talk = recordings.make("wav", 4)
    web.pages["/talk.wav"] = said(talk.path.read_bytes())
    place.standin.elsewhere.update({f"http://{PUBLIC}/talk.wav?{n}": None for n in (1, 2)})
    place.start({"watch": LINKS})
    make_files(place.inbox, {"one.url": shortcut(f"http://{PUBLIC}/talk.wav?1")})
    place.finish("one.url")
    make_files(place.inbox, {"two.webloc": plistlib.dumps({"URL": f"http://{PUBLIC}/talk.wav?2"})})
    place.finish("two.webloc")

    assert place.words("two") == talk.words
    assert [chunk["reused"] for chunk in place.result("two")["chunks"]] == [True]
    assert list(place.standin.paid.values()) == [1]


# --- fetched by the service ---------------------------------------------------------------------------------


def test_a_service_that_fetches_gets_the_address(place, web, recordings, make_files):
    """One request with the address gives the whole transcript; nothing is fetched or uploaded here."""
    talk = recordings.make("mp3-cbr", 20, seed=3)
    address = f"http://{PUBLIC}/talk.mp3?sig=SECRETSIG"
    place.standin.elsewhere[address] = talk.path
    daemon = place.start({"watch": LINKS, "chunks": SMALL_CHUNKS})
    make_files(place.inbox, {"talk.url": shortcut(address)})
    place.finish("talk.url")

    result = place.result("talk")
    assert place.words("talk") == talk.words
    assert [chunk["how"] for chunk in result["chunks"]] == ["address"]
    assert result["source"] == {
        "name": "talk.url",
        "sha256": sha256(place.outbox / "talk.url"),
        "size_bytes": len(shortcut(address)),
        "duration_s": 20.0,
        "container": "",
        "codec": "",
        "damage": [],
        "address": f"http://{PUBLIC}/talk.mp3",
    }
    assert result["chunks"][0]["end"] == 20.0
    assert result["usage"]["audio_s"] == 20.0
    assert web.asked == []
    assert place.standin.calls(UPLOAD) == ()
    assert daemon.stop() == 0
    assert "SECRETSIG" not in daemon.log.read_text()


def test_an_address_is_paid_once(place, web, recordings, make_files):  # noqa: ARG001 - nobody may fetch from it
    """The second link to an address, of whatever kind, is answered from what was paid."""
    address = f"http://{PUBLIC}/talk.mp3"
    place.standin.elsewhere[address] = recordings.make("mp3-cbr", 5).path
    place.start({"watch": LINKS})
    make_files(place.inbox, {"one.url": shortcut(address)})
    place.finish("one.url")
    make_files(place.inbox, {"two.webloc": plistlib.dumps({"URL": address}, fmt=plistlib.FMT_BINARY)})
    place.finish("two.webloc")

    assert place.words("two") == place.words("one")
    assert place.result("two")["usage"]["audio_s"] == 0.0
    assert list(place.standin.paid.values()) == [1]


def test_a_busy_service_is_asked_again_for_an_address(place, web, recordings, make_files):  # noqa: ARG001 - as above
    """An attempt with an address is repeated like any other."""
    address = f"http://{PUBLIC}/talk.mp3"
    place.standin.elsewhere[address] = recordings.make("mp3-cbr", 5).path
    place.standin.script.add(Status(503), times=2, match=TRANSCRIBE)
    place.start({"watch": LINKS})
    make_files(place.inbox, {"talk.url": shortcut(address)})
    place.finish("talk.url")

    assert place.result("talk")["chunks"][0]["attempts"] == 3


def test_a_link_on_the_command_line_is_taken_too(place, web, recordings, make_files):  # noqa: ARG001 - as above
    """Where links are taken, `transcribe` takes them as well, and the transcript lies beside the link."""
    talk = recordings.make("mp3-cbr", 5)
    address = f"http://{PUBLIC}/talk.mp3"
    place.standin.elsewhere[address] = talk.path
    place.configure({"watch": LINKS})
    make_files(place.root, {"talk.url": shortcut(address)})
    ended = place.run("transcribe", place.root / "talk.url")

    assert ended.returncode == 0, ended.stderr
    assert (place.root / "talk.txt").read_text().split() == talk.words


# --- refused ------------------------------------------------------------------------------------------------


REFUSED = {
    "loopback": ("http://127.0.0.1/talk.mp3", "link_refused"),
    "inside": (f"http://{PUBLIC}/inside", "link_refused"),
    "port": (f"http://{PUBLIC}:8000/talk.mp3", "link_refused"),
    "gone": (f"http://{PUBLIC}/gone", "link_unreachable"),
    "page": (f"http://{PUBLIC}/page", "unsupported"),
    "busy": (f"http://{PUBLIC}/busy", "gave_up"),
    "words": ("not an address", "link_refused"),
    "empty": ("", "unreadable"),
}


def test_a_link_that_cannot_be_had_is_set_aside(place, web, make_files):
    """Each such link goes to the error folder, with a report that names the reason."""
    place.standin.elsewhere.update(dict.fromkeys(address for address, _ in REFUSED.values()))
    web.pages |= {
        "/inside": moved("http://127.0.0.1/talk.mp3"),
        "/page": said(b"<html>", content_type="text/html"),
        "/busy": said(status="503 Busy"),
    }
    daemon = place.start({"watch": LINKS, "retry": {"attempts": 3}})
    make_files(place.inbox, {f"{name}.url": shortcut(address) for name, (address, _) in REFUSED.items()})
    daemon.wait_event("recording_failed", count=len(REFUSED))

    assert daemon.stop() == 0
    reports = {name: (place.error / f"{name}.url.error.txt").read_text() for name in REFUSED}
    assert [name for name, (_, reason) in REFUSED.items() if f"Reason:    {reason}\n" not in reports[name]] == []
    assert (place.error / "gone.url").read_bytes() == shortcut(f"http://{PUBLIC}/gone").encode()
    assert files_in(place.outbox) == files_in(place.inbox) == []


def test_a_listed_name_that_leads_inside_is_refused(place, make_files):
    """That a host is listed does not make an address inside a public one."""
    daemon = place.start({"watch": {"links": True, "link_hosts": ["127.0.0.1", "localhost"]}})
    make_files(
        place.inbox,
        {"ip.url": shortcut("http://127.0.0.1/a.mp3"), "name.url": shortcut("http://localhost/a.mp3")},
    )
    place.wait_for_error("ip.url.error.txt", "name.url.error.txt")

    assert len(daemon.wait_event("recording_failed", reason="link_refused", count=2)) == 2
    assert place.standin.calls(TRANSCRIBE) == ()


def test_links_are_left_alone_unless_they_are_asked_for(place, web, make_files):
    """By default a link file stays where it is, nothing is opened, and one line says so."""
    make_files(place.inbox, {"talk.url": shortcut(f"http://{PUBLIC}/a")})
    daemon = place.start({})
    daemon.wait_event("left_alone", path="talk.url")

    assert (place.inbox / "talk.url").exists()
    assert web.asked == []
