"""From a link file to an answer or a file: who is asked, how often, and what is counted."""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import pytest

from tests.integration.weblab import said, serving
from tests.storing import claim_file, make_folders
from voxtrald.clock import Clock
from voxtrald.config import Settings
from voxtrald.dispatch.budget import Budget
from voxtrald.dispatch.gate import Gate
from voxtrald.dispatch.lanes import Lane
from voxtrald.dispatch.senders import Senders
from voxtrald.dispatch.spending import Cap, Window
from voxtrald.engines.base import Capabilities
from voxtrald.engines.http.dialling import Guard
from voxtrald.engines.http.fetching import Fetcher
from voxtrald.errors import (
    ApiNotYet,
    ApiRefused,
    ApiUnreachable,
    Reason,
    RecordingChanged,
    RecordingError,
    StopRequested,
)
from voxtrald.naming import IgnoreRules
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.destinations import Outbox
from voxtrald.pipeline.linking import Linking, read_claimed
from voxtrald.retrying import Policy
from voxtrald.stopping import Stop
from voxtrald.store.ledger import Ledger
from voxtrald.store.results import Results
from voxtrald.transcript.model import Answer, AnswerSegment, Span
from voxtrald.watch.scanning import Oddity, scan
from voxtrald.watch.settling import Sighting

HOST = "media.example"
SOUND = b"not really sound"
ANSWER = Answer(text="good morning", billed_s=61.0, segments=(AnswerSegment(text="good morning", end_ms=60_500),))
CAPABILITIES = Capabilities(
    formats=("mp3",),
    max_chunk_ms=120_000,
    max_bytes=1 << 30,
    timestamps=frozenset({"segment"}),
    diarize=False,
    vocabulary=False,
    takes_addresses=True,
    price_per_minute=0.06,
)


class Unhurried(Stop):
    """A stop whose waits are over at once, and written down; may be asked for at one of them."""

    def __init__(self, *, stop_at: int | None = None) -> None:
        super().__init__()
        self.waits_s: list[float] = []
        self._stop_at = stop_at

    def wait(self, timeout: float | None = None) -> bool:
        """Do not wait."""
        self.waits_s.append(timeout or 0.0)
        if len(self.waits_s) == self._stop_at:
            self.set()
        return self.is_set()


@dataclass
class Service:
    """An engine that fetches addresses, in the test's own words.

    Attributes:
        says: what it answers, in turn; the last one for ever.
        takes: addresses of which kind.
        asked: the addresses it was asked about.
    """

    says: list[object]
    takes: bool = True
    kind: str = "told"
    model: str = "told-1"
    service: str = "https://service.example"
    capabilities: Capabilities = CAPABILITIES
    parameters: dict[str, object] = field(default_factory=lambda: {"model": "told-1"})
    asked: list[str] = field(default_factory=list)
    remote_files = ()

    def deliver_address(self, address, *, key):
        """Begin a delivery."""
        assert len(key) == 64
        if not self.takes:
            raise ApiRefused("the service takes no such address")
        self.address = address
        return self

    def attempt(self):
        """Say the next thing."""
        self.asked.append(self.address)
        said_now = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said_now, Exception):
            raise said_now
        return said_now

    def close(self):
        """Nothing is left behind."""


@dataclass
class Bench:
    """What surrounds one link file."""

    linking: Linking
    service: Service
    stop: Unhurried
    ledger: Ledger

    @property
    def attempts(self):
        """What the ledger counts of fetching."""
        return self.ledger.attempts_of(self.linking.assignment.job.id)[self.linking.link.address_sha256]


@pytest.fixture
def web():
    """A server with a recording."""
    with serving({"/talk.mp3": said(SOUND)}) as running:
        yield running


@pytest.fixture
def open_bench(tmp_path, web):
    """Give a function that lays a claimed link file on a bench; each call opens the same ledger and results anew."""
    folders = make_folders(tmp_path)
    clock = Clock()

    def make(*says, caps=(), first_wait_s=1, resolve=lambda _: ("127.0.0.1",), stop=None, query="?sig=1", **about):
        stop = stop or Unhurried()
        service = Service(says=list(says) or [ANSWER], **about)
        ledger = closing(Ledger.open(tmp_path / "state" / "ledger.sqlite3", clock=clock))
        path, content = tmp_path / "inbox" / "talk.url", f"[InternetShortcut]\nURL={web.url()}{query}\n".encode()
        is_new = not path.exists() or path.read_bytes() != content
        job = claim_file(ledger, tmp_path, "talk.url", content if is_new else None)
        guard = Guard(is_allowed=lambda ip: not ip.is_link_local, resolve=resolve)
        fetcher = Fetcher(hosts=(f"{HOST}:{web.port}",), stop=stop, guard=guard)
        gate = Gate(
            service=service.service,
            policy=Policy(attempts=3, first_wait_s=0.01, max_wait_s=0.01),
            requests_per_s=None,
            clock=clock,
            tell=lambda _: None,
        )
        senders = Senders(size=1)
        opened.append(lambda: senders.resize(0))
        policy = {"attempts": 3, "first_wait_s": first_wait_s, "max_wait_s": 8}
        settings = Settings(retry=policy).for_recording(PurePosixPath("talk.url"))
        work = tmp_path / "state" / "work"
        work.mkdir(exist_ok=True)
        assignment = Assignment(
            job=job,
            path=path,
            settings=settings,
            engine=service,
            capabilities=service.capabilities,
            lane=Lane(service=service.service, gate=gate, senders=senders),
            work=work,
            destination=Outbox(folders=folders, ledger=ledger, clock=clock),
            tell=lambda _: None,
        )
        tools = Tools(
            ffmpeg=None,
            results=Results(tmp_path / "state" / "results"),
            ledger=ledger,
            clock=clock,
            stop=stop,
            jitter=lambda: 0.0,
            cores=1,
            budget=Budget(caps, cost_since=ledger.cost_since, clock=clock),
            fetcher=fetcher,
        )
        link = read_claimed(assignment, fetcher=fetcher)
        linking = Linking(assignment=assignment, tools=tools, fetcher=fetcher, link=link)
        return Bench(linking=linking, service=service, stop=stop, ledger=ledger)

    opened = []

    def closing(ledger):
        opened.append(ledger.close)
        return ledger

    yield make
    for close in reversed(opened):
        close()


# --- the file -----------------------------------------------------------------------------------------------


def test_a_link_file_that_changed_since_its_claim_is_looked_at_again(open_bench):
    """An address that somebody wrote into the file after its claim is not opened."""
    linking = open_bench().linking
    linking.assignment.path.write_bytes(b"[InternetShortcut]\nURL=http://media.example/other\n")

    with pytest.raises(RecordingChanged):
        read_claimed(linking.assignment, fetcher=linking.fetcher)


def test_a_scan_sees_link_files_where_they_are_taken(tmp_path):
    """The inbox's rules decide, for every look at it, whether a link is a recording or left alone."""
    (tmp_path / "talk.url").touch()
    looks = [list(scan(tmp_path, recursive=True, ignore=IgnoreRules(takes_links=taken))) for taken in (False, True)]

    assert [type(found) for (found,) in looks] == [Oddity, Sighting]


# --- the service fetches ------------------------------------------------------------------------------------


def test_the_length_is_what_the_answer_says(open_bench, web):
    """A recording that only the service has seen is as long as what it charges for, and is paid for once."""
    bench = open_bench()
    gathered = bench.linking.ask_engine()

    assert [chunk.span for chunk in gathered.chunks] == [Span(start_ms=0, end_ms=61_000)]
    assert gathered.duration_ms == 61_000
    assert gathered.chunks[0].cost == pytest.approx(0.061)
    assert bench.service.asked == [web.url() + "?sig=1"]
    assert bench.ledger.job(bench.linking.assignment.job.id).duration_ms == 61_000
    assert web.asked == []


def test_a_paid_answer_is_found_again_without_a_look_up(open_bench):
    """The same address costs nothing later, even where its name leads nowhere any more."""
    open_bench().linking.ask_engine()

    again = open_bench(resolve=failing(OSError("gone")))
    gathered = again.linking.ask_engine()

    assert gathered.chunks[0].reused
    assert gathered.duration_ms == 61_000
    assert again.service.asked == []


def test_another_signature_is_another_address(open_bench):
    """What lies there may differ, so it is asked anew."""
    open_bench().linking.ask_engine()

    other = open_bench(query="?sig=2")
    other.linking.ask_engine()

    assert len(other.service.asked) == 1


@pytest.mark.parametrize("refusal", [ApiRefused("undecodable", status=400), ApiNotYet("not found", status=404)])
def test_what_the_service_cannot_fetch_is_handed_back_at_once(open_bench, refusal):
    """A refusal, or an address at which the service finds nothing, is not repeated."""
    bench = open_bench(refusal)

    assert bench.linking.ask_engine() is None
    assert len(bench.service.asked) == 1


def test_a_passing_fault_of_the_service_is_waited_for(open_bench):
    """A service that was busy is asked again with the same address."""
    bench = open_bench(ApiUnreachable("busy"), ANSWER, first_wait_s=0.01)

    assert bench.linking.ask_engine().chunks[0].attempts == 2


def test_what_nobody_can_price_is_not_asked_for_under_a_cap(open_bench):
    """Where spending is limited, only an answer that was paid for is taken; anything else is left to us to measure."""
    cap = Cap(key="limits.max_cost_per_day", window=Window.DAY, amount=1000.0)
    capped = open_bench(caps=[cap])

    assert capped.linking.ask_engine() is None
    assert capped.service.asked == []
    assert open_bench().linking.ask_engine() is not None
    assert open_bench(caps=[cap]).linking.ask_engine().chunks[0].reused


def test_an_answer_about_more_than_the_service_hears_is_not_believed(open_bench):
    """Of a recording longer than one request may be, the service may have heard a part, now and after a restart."""
    long = replace(ANSWER, billed_s=121.0)

    assert open_bench(long).linking.ask_engine() is None
    assert open_bench(ANSWER).linking.ask_engine() is None


@pytest.mark.parametrize("about", [{"takes": False}, {"capabilities": replace(CAPABILITIES, takes_addresses=False)}])
def test_an_engine_that_takes_no_addresses_is_not_asked(open_bench, about):
    """Where the engine takes none, or not this one, it is left to us."""
    bench = open_bench(**about)

    assert bench.linking.ask_engine() is None
    assert bench.service.asked == []


def test_a_service_is_not_asked_for_another_track(open_bench):
    """Where a rule asks for a track of its own, the service, which would hear the default one, is not asked."""
    bench = open_bench()
    settings = bench.linking.assignment.settings
    wished = replace(settings, audio=settings.audio.model_copy(update={"track": 2}))
    linking = replace(bench.linking, assignment=replace(bench.linking.assignment, settings=wished))

    assert linking.ask_engine() is None
    assert bench.service.asked == []


def test_a_service_is_not_led_inside(open_bench):
    """An address inside is not handed over: the service could lie in the same network."""
    bench = open_bench(resolve=lambda _: ("169.254.169.254",))

    with pytest.raises(RecordingError) as caught:
        bench.linking.ask_engine()
    assert caught.value.reason is Reason.LINK_REFUSED
    assert bench.service.asked == []


# --- we fetch -----------------------------------------------------------------------------------------------


def failing(*troubles):
    """Look up in vain as often as there are troubles, then find the server."""
    left = list(troubles)

    def resolve(_):
        if left:
            raise left.pop(0)
        return ("127.0.0.1",)

    return resolve


def test_it_is_fetched_into_the_work_folder(open_bench):
    """What was fetched lies where the job's chunks do, with its digest."""
    bench = open_bench()
    fetched = bench.linking.fetch()

    assert fetched.path.parent == bench.linking.assignment.work
    assert fetched.sha256 == hashlib.sha256(SOUND).hexdigest()


def test_a_busy_host_is_asked_again_with_growing_waits(open_bench, web):
    """Failures wait by the policy, a wish of the server wins, and then it is fetched."""
    web.pages["/talk.mp3"] = [said(status="500 No"), said(status="503 No", retry_after="7"), said(SOUND)]
    bench = open_bench()

    assert bench.linking.fetch().size_bytes == len(SOUND)
    assert bench.stop.waits_s == [1.0, 7.0]
    assert (bench.attempts.attempts, bench.attempts.error) == (2, "api_busy")


def test_attempts_are_used_up(open_bench, web):
    """After the policy's attempts the link is given up, with the last trouble in the report."""
    web.pages["/talk.mp3"] = said(status="500 No")
    bench = open_bench()

    with pytest.raises(RecordingError) as caught:
        bench.linking.fetch()
    assert caught.value.reason is Reason.GAVE_UP
    assert "500" in caught.value.message
    assert len(web.asked) == 3


def test_a_restart_does_not_give_attempts_back(open_bench, web):
    """What was tried before counts, and the wait that was under way is kept."""
    web.pages["/talk.mp3"] = said(status="500 No")
    with pytest.raises(StopRequested):
        open_bench(stop=Unhurried(stop_at=2)).linking.fetch()

    again = open_bench()
    with pytest.raises(RecordingError):
        again.linking.fetch()

    assert len(web.asked) == 3
    assert 1.0 < again.stop.waits_s[0] <= 2.0


def test_a_night_without_network_uses_nothing_up(open_bench):
    """Where no name server answers, the link is not to blame: waits grow to their longest, attempts do not count."""
    bench = open_bench(resolve=failing(*[socket.gaierror(socket.EAI_AGAIN, "later")] * 20))

    assert bench.linking.fetch().size_bytes == len(SOUND)
    assert bench.stop.waits_s[:5] == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert bench.attempts.attempts == 0


def test_a_name_that_no_server_knows_for_a_day_is_given_up(open_bench):
    """After a day of this, failures count as others do."""
    bench = open_bench(resolve=failing(*[socket.gaierror(socket.EAI_AGAIN, "later")] * 20))
    seconds = iter(range(0, 10**9, 20_000))
    tools = replace(bench.linking.tools, clock=Clock(monotonic_s=lambda: float(next(seconds))))

    with pytest.raises(RecordingError) as caught:
        replace(bench.linking, tools=tools).fetch()
    assert caught.value.reason is Reason.GAVE_UP


def test_what_is_gone_is_not_asked_for_again(open_bench, web):
    """A final answer ends it at once."""
    web.pages["/talk.mp3"] = said(status="404 No")
    bench = open_bench()

    with pytest.raises(RecordingError):
        bench.linking.fetch()
    assert bench.stop.waits_s == []
