"""Fetching what a link names, from a real server that may say anything."""

from __future__ import annotations

import gzip
import hashlib
import socket
import ssl
import threading
from functools import partial

import pytest
import trustme

from tests.integration.weblab import moved, raw, said, serving
from voxtrald.engines.http.dialling import Guard, Offline
from voxtrald.engines.http.fetching import Fetcher, Limits
from voxtrald.errors import ApiBusy, ApiError, ApiUnreachable, Reason, RecordingError, StopRequested, StorageUnavailable
from voxtrald.links import Address, is_public, read_address
from voxtrald.stopping import Stop

SOUND = bytes(range(256)) * 4000
HOST = "media.example"


@pytest.fixture
def web():
    """A server with a recording."""
    with serving({"/talk.mp3": said(SOUND, content_type="audio/mpeg")}) as running:
        yield running


@pytest.fixture
def stop():
    """Nobody asks to stop, unless the test does."""
    return Stop()


@pytest.fixture
def fetcher(web, stop):
    """A fetcher that takes the loopback for the internet: the server of this test is there."""

    def make(*, places=("127.0.0.1",), is_allowed=lambda _: True, hosts=(), **limits):
        guard = Guard(is_allowed=is_allowed, resolve=lambda _: places, connect_s=5)
        listed = (f"{HOST}:{web.port}", *hosts)
        return Fetcher(hosts=listed, stop=stop, guard=guard, limits=Limits(**{"silence_s": 5, **limits}))

    return make


@pytest.fixture
def fetch(web, fetcher, tmp_path):
    """Fetch a path of the server into a file."""

    def run(path="/talk.mp3", *, room=lambda _: None, **options):
        made = fetcher(**options)
        address = read_address(web.url(path), hosts=made.hosts)
        return made.fetch(address, target=tmp_path / "fetched", require_room=room)

    return run


def refused(fetch, *args, **options):
    """Fetch what cannot be had and give the error."""
    with pytest.raises(RecordingError) as caught:
        fetch(*args, **options)
    return caught.value


def failed(fetch, *args, **options):
    """Fetch what cannot be had now and give the error."""
    with pytest.raises(ApiError) as caught:
        fetch(*args, **options)
    return caught.value


# --- what is fetched ----------------------------------------------------------------------------------------


def test_a_recording_is_fetched_whole(fetch, tmp_path):
    """The file appears with every byte, and its size and digest are told."""
    fetched = fetch()

    assert fetched.path.read_bytes() == SOUND
    assert (fetched.size_bytes, fetched.sha256) == (len(SOUND), hashlib.sha256(SOUND).hexdigest())
    assert [path.name for path in tmp_path.iterdir()] == ["fetched"]


def test_nothing_of_ours_is_sent_along(web, fetch, monkeypatch, tmp_path):
    """Neither a proxy nor a password of the environment has a part in it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text(f"machine {HOST} login us password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    fetch()

    assert b"authorization" not in web.asked[0].lower()


def test_a_query_reaches_the_server(web, fetch):
    """A signature in an address is sent as it stands."""
    fetch("/talk.mp3?sig=a%2Fb%3D&x=1")

    assert web.paths() == ["/talk.mp3?sig=a%2Fb%3D&x=1"]


def test_room_is_asked_for_before_anything_is_written(fetch, tmp_path):
    """Where the server's promise does not fit on the disk, nothing is fetched and the job can wait."""

    def refuse(size_bytes):
        raise StorageUnavailable(f"no room for {size_bytes}", path=tmp_path)

    with pytest.raises(StorageUnavailable, match=str(len(SOUND))):
        fetch(room=refuse)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_in_pieces_without_a_length_is_fetched(web, fetch):
    """A body in chunks is put together."""
    web.pages["/talk.mp3"] = raw(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )

    assert fetch().path.read_bytes() == b"abcde"


def test_an_answer_that_is_compressed_all_the_same_is_unpacked(web, fetch):
    """A server that compresses without being asked gives the recording, not its packing."""
    web.pages["/talk.mp3"] = said(gzip.compress(SOUND), content_encoding="gzip")

    assert fetch().path.read_bytes() == SOUND


@pytest.mark.parametrize(("issued_to", "is_fetched"), [(HOST, True), ("other.example", False), ("127.0.0.1", False)])
def test_an_encrypted_host_has_to_prove_its_name(stop, tmp_path, monkeypatch, issued_to, is_fetched):
    """The certificate must be that of the name in the address, although the connection is made to a number."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(issued_to).configure_cert(context)
    guard = Guard(is_allowed=lambda _: True, resolve=lambda _: ("127.0.0.1",))
    encrypt = partial(context.wrap_socket, server_side=True)
    with serving({"/": said(SOUND)}, encrypt=encrypt) as web:
        fetcher = Fetcher(hosts=(f"{HOST}:{web.port}",), stop=stop, guard=guard)
        address = read_address(f"https://{HOST}:{web.port}/", hosts=fetcher.hosts)
        fetch = partial(fetcher.fetch, address, target=tmp_path / "fetched", require_room=lambda _: None)

        if is_fetched:
            assert fetch().size_bytes == len(SOUND)
        else:
            assert "certificate is not accepted" in failed(fetch).message


# --- redirects ----------------------------------------------------------------------------------------------


def test_redirects_are_followed_to_listed_hosts(web, fetch):
    """Absolute and relative redirects lead on, also where they are written in UTF-8."""
    web.pages |= {
        "/a": moved("/sub/b"),
        "/sub/b": moved("../zīle"),
        "/z%C4%ABle": moved(web.url("/talk.mp3")),
    }

    assert fetch("/a").path.read_bytes() == SOUND


def test_a_redirect_leaves_no_word_of_where_it_came_from(web, fetch):
    """A signed address is not told to the next host."""
    web.pages["/a"] = moved(web.url("/talk.mp3"))

    fetch("/a?sig=hidden")

    assert b"hidden" not in web.asked[1]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/talk.mp3",
        "http://localhost:{port}/talk.mp3",
        "http://media.example:{other}/talk.mp3",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://us:word@media.example:{port}/talk.mp3",
        "//evil.example/talk.mp3",
        "file:///etc/passwd",
        "ftp://media.example/talk.mp3",
    ],
)
def test_a_redirect_elsewhere_is_refused(web, fetch, location):
    """A host that is not listed is not opened because a listed one says so."""
    web.pages["/a"] = moved(location.format(port=web.port, other=web.port + 1))

    assert refused(fetch, "/a").reason is Reason.LINK_REFUSED
    assert web.paths() == ["/a"]


def test_redirects_end(web, fetch):
    """After five redirects nothing more is followed."""
    web.pages |= {f"/{n}": moved(f"/{n + 1}") for n in range(10)}

    assert refused(fetch, "/0").reason is Reason.LINK_UNREACHABLE
    assert web.paths() == [f"/{n}" for n in range(6)]


# --- where a name leads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [
        ("127.0.0.1",),
        ("::1",),
        ("10.1.2.3",),
        ("192.168.0.1",),
        ("169.254.169.254",),
        ("fd00:ec2::254",),
        ("::ffff:127.0.0.1",),
        ("64:ff9b::7f00:1",),
        ("9.9.9.9", "127.0.0.1"),
        ("127.0.0.1", "9.9.9.9"),
    ],
)
def test_a_name_that_leads_inside_is_refused(web, fetch, fetcher, places):
    """A listed name with an address inside, if only one of several, is neither opened nor handed over."""
    address = Address(url=web.url(), host=HOST, port=web.port, shown="")

    assert refused(fetch, places=places, is_allowed=is_public).reason is Reason.LINK_REFUSED
    assert refused(fetcher(places=places, is_allowed=is_public).require_allowed, address).reason is Reason.LINK_REFUSED
    assert web.asked == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "0"])
def test_the_real_rule_with_the_real_look_up_refuses_this_machine(web, stop, tmp_path, host):
    """What the product uses refuses the loopback under each of its names, also where somebody listed it."""
    fetcher = Fetcher(hosts=(f"{host}:{web.port}",), stop=stop)
    address = read_address(web.url(host=host), hosts=fetcher.hosts)

    error = refused(fetcher.fetch, address, target=tmp_path / "x", require_room=lambda _: None)

    assert error.reason is Reason.LINK_REFUSED
    assert web.asked == []


def test_a_name_is_looked_up_once_for_each_connection(web, stop, tmp_path):
    """A name that stands for another address at the second question is not asked a second time."""
    answers = [("127.0.0.1",), ("203.0.113.9",)]
    guard = Guard(is_allowed=lambda _: True, resolve=lambda _: answers.pop(0))
    fetcher = Fetcher(hosts=(f"{HOST}:{web.port}",), stop=stop, guard=guard)

    fetcher.fetch(
        read_address(web.url(), hosts=fetcher.hosts), target=tmp_path / "fetched", require_room=lambda _: None
    )

    assert answers == [("203.0.113.9",)]


def test_the_connection_itself_is_judged(web, stop, tmp_path):
    """Where the connection ends elsewhere than the look-up said, it is not used."""
    seen = []
    guard = Guard(is_allowed=lambda ip: seen.append(ip) or len(seen) == 1, resolve=lambda _: ("127.0.0.1",))
    fetcher = Fetcher(hosts=(f"{HOST}:{web.port}",), stop=stop, guard=guard)
    address = read_address(web.url(), hosts=fetcher.hosts)

    error = refused(fetcher.fetch, address, target=tmp_path / "x", require_room=lambda _: None)

    assert error.reason is Reason.LINK_REFUSED
    assert web.asked == []


def test_the_next_address_is_tried_where_the_first_one_is_dead(fetch):
    """A host with several addresses is reached by the one that answers."""
    assert fetch(places=("127.0.0.9", "127.0.0.1")).size_bytes == len(SOUND)


# --- what is not fetched ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status", ["401 No", "403 No", "404 No", "410 Gone", "451 No", "304 Same", "204 Nothing", "302 No"]
)
def test_a_dead_link_is_the_recordings_fault(web, fetch, status):
    """What is gone or forbidden is not asked for again."""
    web.pages["/talk.mp3"] = said(status=status)

    error = refused(fetch)

    assert error.reason is Reason.LINK_UNREACHABLE
    assert status[:3] in error.message


@pytest.mark.parametrize(
    ("status", "headers", "wished_s"), [("503 Busy", {"retry_after": "7"}, 7.0), ("429 Slow", {}, None)]
)
def test_a_busy_host_is_asked_again_later(web, fetch, status, headers, wished_s):
    """A host in trouble says when to come back."""
    web.pages["/talk.mp3"] = said(status=status, **headers)

    error = failed(fetch)

    assert isinstance(error, ApiBusy)
    assert error.retry_after_s == wished_s


def test_a_web_page_is_no_recording(web, fetch, tmp_path):
    """An address of a page about the recording is told as such, and nothing is kept."""
    web.pages["/talk.mp3"] = said(b"<html>", content_type="text/HTML; charset=utf-8")

    error = refused(fetch)

    assert error.reason is Reason.UNSUPPORTED
    assert "a web page, not a recording" in error.message
    assert list(tmp_path.iterdir()) == []


def test_an_empty_answer_is_told(web, fetch):
    """Nothing at all is no recording."""
    web.pages["/talk.mp3"] = said(b"")

    assert refused(fetch).reason is Reason.EMPTY


@pytest.mark.parametrize("headers", [{}, {"content_length": ""}])
def test_too_much_is_not_fetched(web, fetch, headers, tmp_path):
    """More than the limit is refused, whether the server says so before or sends without end."""
    web.pages["/talk.mp3"] = said(SOUND, **headers)

    error = refused(fetch, most_bytes=100_000)

    assert error.reason is Reason.LINK_UNREACHABLE
    assert [path.name for path in tmp_path.iterdir() if path.name == "fetched"] == []


def test_little_that_unpacks_to_much_is_not_fetched(web, fetch):
    """The limit counts what lies on the disk, not what came over the wire."""
    packed = gzip.compress(bytes(10_000_000))
    web.pages["/talk.mp3"] = said(packed, content_encoding="gzip")

    assert len(packed) < 100_000
    assert refused(fetch, most_bytes=100_000).reason is Reason.LINK_UNREACHABLE


@pytest.mark.parametrize(
    "answer",
    [
        said(SOUND, content_length=str(len(SOUND) + 1)),
        raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-le"),
        raw(b"\x16\x03\x01 what is this"),
        raw(b""),
        said(b"no gzip", content_encoding="gzip"),
    ],
    ids=["too short", "chunk cut", "headers cut", "no http", "nothing", "damaged packing"],
)
def test_an_answer_that_breaks_off_is_asked_for_again(web, fetch, answer, tmp_path):
    """Half a recording is never taken for a whole one."""
    web.pages["/talk.mp3"] = answer

    assert isinstance(failed(fetch), ApiUnreachable)
    assert not (tmp_path / "fetched").exists()


def test_silence_ends_the_wait(web, fetch):
    """A server that says nothing is given up for now, and the message names the host alone."""
    web.pages["/talk.mp3"] = lambda _: web.closing.wait(20)

    error = failed(fetch, "/talk.mp3?sig=hidden", silence_s=0.2)

    assert isinstance(error, ApiUnreachable)
    assert HOST in error.message
    assert "hidden" not in error.message + error.hint
    assert "talk" not in error.message


def dripping(web, head):
    """Answer with a head, then a byte now and then for ever."""

    def drip(peer):
        peer.sendall(head)
        while not web.closing.wait(0.02):
            peer.sendall(b"x")

    return drip


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx-long: "], ids=["in the body", "in the headers"]
)
def test_a_byte_now_and_then_is_not_waited_for_without_end(web, fetch, head, tmp_path):
    """The time in all is limited, also where each single wait is short."""
    web.pages["/talk.mp3"] = dripping(web, head)

    assert refused(fetch, total_s=0.4).reason is Reason.LINK_UNREACHABLE
    assert not (tmp_path / "fetched").exists()


def test_nobody_listens(fetcher, tmp_path):
    """A refused connection is worth another try."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    made = fetcher(hosts=(f"{HOST}:{port}",))
    address = read_address(f"http://{HOST}:{port}/", hosts=made.hosts)

    error = failed(made.fetch, address, target=tmp_path / "x", require_room=lambda _: None)

    assert isinstance(error, ApiUnreachable)
    assert not isinstance(error, Offline)


@pytest.mark.parametrize(
    ("trouble", "is_offline"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "later"), True),
        (socket.gaierror(socket.EAI_NONAME, "never heard of"), False),
        (OSError("anything"), False),
    ],
)
def test_a_machine_without_name_servers_is_offline(stop, trouble, is_offline):
    """Only where no name server answers at all is the network to blame, and not the link."""

    def resolve(_):
        raise trouble

    fetcher = Fetcher(hosts=(HOST,), stop=stop, guard=Guard(resolve=resolve))
    address = read_address(f"http://{HOST}/", hosts=fetcher.hosts)

    assert isinstance(failed(fetcher.require_allowed, address), Offline) is is_offline


# --- stop ---------------------------------------------------------------------------------------------------


def test_stop_breaks_off_a_wait(web, fetch, stop):
    """Who is asked to stop does not wait for a server that is silent."""
    asked = threading.Event()

    def hang(_):
        asked.set()
        web.closing.wait(20)

    web.pages["/talk.mp3"] = hang
    stopper = threading.Thread(target=lambda: asked.wait(10) and stop.set())
    stopper.start()

    with pytest.raises(StopRequested):
        fetch(silence_s=60)
    stopper.join()


def test_nothing_begins_after_stop(web, fetch, stop):
    """After stop, no connection is made."""
    stop.set()

    with pytest.raises(StopRequested):
        fetch()
    assert web.asked == []
