"""The engine against the stand-in: the same promises whether the audio is uploaded or sent directly."""

from __future__ import annotations

import socket
import threading
import time
from itertools import count

import psutil
import pytest

from tests.integration.workbench import PREFIX, TEXT, WORDS, chunk_at, heard
from tests.sound.speech import compose, speak, write_wav
from tests.standin.faults import (
    CutJson,
    EmptyObject,
    Hang,
    Html,
    Redirect,
    Reset,
    ResetAfterBytes,
    ResetDuringBody,
    Rewrite,
    ShortBody,
    SlowBody,
    Status,
)
from tests.standin.script import ANY, DELETE, LIST, MODELS, SIGN, TRANSCRIBE, UPLOAD
from tests.standin.server import Standin
from voxtrald import steps
from voxtrald.engines.http import transport
from voxtrald.errors import (
    ApiBusy,
    ApiDenied,
    ApiGarbled,
    ApiNotYet,
    ApiRefused,
    ApiUnreachable,
    ConfigError,
    StopRequested,
    StorageUnavailable,
)
from voxtrald.steps import Step
from voxtrald.transcript.model import RemoteFile

BOTH = pytest.mark.parametrize("delivery", ["upload", "direct"])


# --- both deliveries -------------------------------------------------------------------------------------


@BOTH
def test_a_chunk_is_transcribed(standin, bench, chunk, delivery):
    """Every word comes back with its times, and the seconds that were paid."""
    underway = bench(delivery=delivery).engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert heard(answer) == TEXT
    assert answer.billed_s == 6.0
    assert answer.model == "voxtral-mini-transcribe-3-0"
    assert answer.dropped == ()
    assert abs(answer.segments[0].start_ms - WORDS[0].start_ms) < 50
    assert standin.files == ()


@BOTH
def test_settings_become_plain_repeated_fields(standin, bench, chunk, delivery):
    """Lists are sent as one field per value under the plain name, and nothing unasked is sent."""
    phrases = ("Alder Creek", "Rīga, Latvija")
    made = bench(delivery=delivery, language="lv", diarize=True, context_bias=phrases)
    underway = made.engine.deliver(chunk)

    underway.attempt()
    underway.close()

    (request,) = standin.calls(TRANSCRIBE)
    assert [pair for pair in request.fields if pair[0] != "file_url"] == [
        ("model", "voxtral-mini-transcribe-3-0"),
        ("language", "lv"),
        ("timestamp_granularities", "segment"),
        ("diarize", "true"),
        ("context_bias", "Alder Creek"),
        ("context_bias", "Rīga, Latvija"),
    ]


@BOTH
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Status(401, body={"detail": "Invalid API Key"}), ApiDenied),
        (Status(402), ApiDenied),
        (Status(404, body={"detail": "Not Found"}), ApiNotYet),
        (Status(422, body={"detail": [{"loc": ["body", "file"], "msg": "odd", "type": "t"}]}), ApiRefused),
        (Status(429, retry_after=7), ApiBusy),
        (Status(500), ApiBusy),
        (Status(503, body="<html>"), ApiBusy),
        (Html(), ApiGarbled),
        (Html(status=502), ApiBusy),
        (CutJson(), ApiGarbled),
        (EmptyObject(), ApiGarbled),
        (Rewrite(lambda answer: {**answer, "text": None}), ApiGarbled),
        (Reset(), ApiUnreachable),
        (Reset("head"), ApiUnreachable),
        (Reset("answer"), ApiUnreachable),
        (ResetAfterBytes(250), ApiUnreachable),
        (ResetDuringBody(1), ApiUnreachable),
        (ShortBody(), ApiUnreachable),
        (Redirect("http://127.0.0.1:9/v1/audio/transcriptions"), ApiUnreachable),
    ],
    ids=[
        *("wrong key", "unpaid", "not visible yet", "refused", "busy with wish", "broken", "busy"),
        *("page", "page of a proxy", "cut json", "empty object", "no text"),
        *("reset after body", "reset at once", "reset when paid", "reset in answer", "reset in body", "short"),
        "redirect",
    ],
)
def test_a_failure_has_its_class_and_the_next_attempt_succeeds(standin, bench, chunk, fault, expected, delivery):
    """Whatever goes wrong with a transcription is told by its class and does no harm to the next attempt."""
    standin.script.add(fault)
    underway = bench(delivery=delivery).engine.deliver(chunk)

    with pytest.raises(expected) as caught:
        underway.attempt()

    assert type(caught.value) is expected
    assert "test-key" not in caught.value.message
    assert "sig=" not in caught.value.message
    assert heard(underway.attempt()) == TEXT
    underway.close()
    assert standin.files == ()


@BOTH
def test_a_wish_to_wait_is_told(standin, bench, chunk, delivery):
    """The Retry-After of a busy server is in the error."""
    standin.script.add(Status(429, retry_after=7))
    underway = bench(delivery=delivery).engine.deliver(chunk)

    with pytest.raises(ApiBusy) as caught:
        underway.attempt()
    underway.close()

    assert caught.value.retry_after_s == 7.0


@BOTH
def test_a_silent_server_is_left_after_the_time_out(standin, bench, chunk, delivery):
    """A server that never answers is unreachable after the read time-out."""
    standin.script.add(Hang())
    underway = bench(delivery=delivery, read_timeout_s=0.5).engine.deliver(chunk)

    with pytest.raises(ApiUnreachable):
        underway.attempt()
    standin.script.release()
    underway.close()


def test_a_copy_that_cannot_be_noted_is_deleted(standin, bench, chunk):
    """Where the disk fills up during an upload nobody would know of the copy, so it goes at once."""
    made = bench()
    made.journal.refused = "uploaded"
    underway = made.engine.deliver(chunk)

    with pytest.raises(StorageUnavailable):
        underway.attempt()

    assert standin.files == ()
    assert made.journal.kinds() == ["intended", "deleted"]


def test_a_deletion_that_cannot_be_noted_does_no_harm(standin, bench, chunk):
    """The copy goes, and its delivery ends well; a later sweep finds it gone and notes that."""
    made = bench()
    underway = made.engine.deliver(chunk)
    underway.attempt()
    made.journal.refused = "deleted"
    underway.close()
    made.journal.refused = ""

    made.engine.sweep([file.id for file in underway.remote_files])

    assert [file.deleted for file in underway.remote_files] == [True]
    assert standin.files == ()
    assert made.journal.kinds() == ["intended", "uploaded", "deleted"]


@BOTH
def test_a_trickling_answer_is_left_too(standin, bench, chunk, delivery):
    """A server that sends a little now and then does not hold a sender for ever."""
    standin.script.add(SlowBody(seconds=8))
    underway = bench(delivery=delivery, read_timeout_s=0.6).engine.deliver(chunk)
    began_s = time.monotonic()

    with pytest.raises(ApiUnreachable):
        underway.attempt()
    underway.close()

    assert time.monotonic() - began_s < 5


@BOTH
def test_a_dead_address_is_unreachable(bench, chunk, delivery):
    """Where nobody listens, the error says so."""
    made = bench(delivery=delivery, base_url="http://127.0.0.1:9")

    with pytest.raises(ApiUnreachable):
        made.engine.deliver(chunk).attempt()


@BOTH
def test_a_refused_parameter_is_left_out_at_once_and_for_good(standin, bench, chunk, delivery):
    """A parameter the answer names is dropped within the attempt, told in the answer, and not sent again."""
    body = {"object": "error", "message": "no such language", "param": "language", "code": "1"}
    standin.script.add(Status(400, body=body), times=None, when=lambda call: call.form.get("language") is not None)
    engine = bench(delivery=delivery, language="lv").engine
    first, second = engine.deliver(chunk), engine.deliver(chunk)

    answers = [first.attempt(), second.attempt()]
    first.close()
    second.close()

    assert [answer.dropped for answer in answers] == [("language",), ("language",)]
    assert [request.values("language") for request in standin.calls(TRANSCRIBE)] == [("lv",), (), ()]


@BOTH
def test_a_refusal_that_names_nothing_is_final(standin, bench, chunk, delivery):
    """Without an optional parameter to blame the request is not repeated."""
    body = {"object": "error", "message": "language is wrong", "param": "language", "code": "1"}
    standin.script.add(Status(400, body=body))
    underway = bench(delivery=delivery).engine.deliver(chunk)

    with pytest.raises(ApiRefused):
        underway.attempt()
    underway.close()

    assert len(standin.calls(TRANSCRIBE)) == 1


@BOTH
def test_what_no_service_can_decode_is_refused(standin, bench, tmp_path, delivery):
    """A file that is no audio is refused for good."""
    path = tmp_path / "noise.mp3"
    path.write_bytes(b"ID3" + bytes(5_000))
    underway = bench(delivery=delivery).engine.deliver(chunk_at(path))

    with pytest.raises(ApiRefused):
        underway.attempt()
    underway.close()

    assert standin.files == ()


@BOTH
def test_a_wrong_model_holds_all_work(bench, chunk, delivery):
    """A model the service does not know is a matter of the configuration, not of the recording."""
    underway = bench(delivery=delivery, model="voxtral-mini-9999").engine.deliver(chunk)

    with pytest.raises(ApiDenied):
        underway.attempt()
    underway.close()


@BOTH
def test_a_wrong_key_is_denied(bench, chunk, delivery):
    """A key the service does not know is told as such, and is not in the message."""
    underway = bench(delivery=delivery, api_key="correcthorse").engine.deliver(chunk)

    with pytest.raises(ApiDenied) as caught:
        underway.attempt()
    underway.close()

    assert "correcthorse" not in caught.value.message


@BOTH
def test_a_vanished_chunk_is_not_the_far_sides_fault(standin, bench, chunk, delivery):
    """A chunk that cannot be opened is a matter of our own storage."""
    chunk.path.unlink()

    with pytest.raises(StorageUnavailable):
        bench(delivery=delivery).engine.deliver(chunk).attempt()

    assert standin.requests == ()


@BOTH
def test_nothing_begins_after_stop(standin, bench, chunk, delivery):
    """With stop set, an attempt touches no network and blames nobody."""
    made = bench(delivery=delivery)
    made.stop.set()

    with pytest.raises(StopRequested):
        made.engine.deliver(chunk).attempt()

    assert standin.requests == ()


@BOTH
def test_abort_ends_a_request_on_its_way(standin, bench, chunk, wait_until, delivery):
    """After stop, abort wakes a sender that waits for an answer, and nobody is blamed."""
    standin.script.add(Hang())
    made = bench(delivery=delivery)
    underway = made.engine.deliver(chunk)
    outcomes = []

    def send():
        try:
            outcomes.append(underway.attempt())
        except StopRequested as error:
            outcomes.append(error)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    wait_until(lambda: standin.script.hanging == 1, what="a request on its way")
    made.stop.set()
    made.engine.abort()
    sender.join(timeout=5)

    assert not sender.is_alive()
    assert [type(outcome) for outcome in outcomes] == [StopRequested]
    standin.script.release()
    underway.close()


@BOTH
def test_memory_does_not_grow_with_the_body(standin, bench, tmp_path, delivery):
    """Two hundred megabytes leave from disk without passing through memory as a whole."""
    path = tmp_path / "large.mp3"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    underway = bench(delivery=delivery).engine.deliver(chunk_at(path))
    # The far side reads the body and throws it away; it lives in this process, so its memory counts, too.
    for match in (UPLOAD, TRANSCRIBE):
        standin.script.add(Status(500), match=match)
    watched = Watched()

    with watched, pytest.raises(ApiBusy):
        underway.attempt()
    underway.close()

    assert standin.requests[0].bytes_in > 200_000_000
    assert watched.growth_bytes < 20_000_000


class Watched:
    """Samples the memory of this process while a block runs."""

    def __enter__(self):
        self._own = psutil.Process()
        self._before = self._most = self._own.memory_info().rss
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _watch(self):
        while not self._ended.wait(0.01):
            self._most = max(self._most, self._own.memory_info().rss)

    @property
    def growth_bytes(self):
        """How far memory rose above where it began."""
        return self._most - self._before


# --- uploads ---------------------------------------------------------------------------------------------


@pytest.fixture
def announced(monkeypatch):
    """Collect the steps that are announced."""
    seen = []
    monkeypatch.setattr(steps, "_listeners", [seen.append])
    return seen


def test_a_copy_is_journalled_before_and_after_it_exists(standin, bench, chunk, announced):
    """Intention, id and deletion are written down, each before the next step, and the steps announced."""
    made = bench()
    underway = made.engine.deliver(chunk)

    underway.attempt()
    (stored,) = standin.files
    underway.close()

    name = f"{PREFIX}-0123456789abcdef.wav"
    assert made.journal.entries == [
        ("intended", f"{name} {chunk.key}"),
        ("uploaded", f"{name} {stored.id}"),
        ("deleted", stored.id),
    ]
    assert underway.remote_files == (RemoteFile(id=stored.id, deleted=True),)
    assert announced == [Step.UPLOAD_INTENDED, Step.UPLOAD_SENT, Step.UPLOAD_RECORDED, Step.REMOTE_DELETED]


def test_attempts_share_one_upload_but_not_its_address(standin, bench, chunk):
    """A second attempt sends no audio again, and asks for a fresh address."""
    standin.script.add(Status(503))
    underway = bench().engine.deliver(chunk)

    with pytest.raises(ApiBusy):
        underway.attempt()
    standin.expire_urls()
    answer = underway.attempt()
    underway.close()

    assert heard(answer) == TEXT
    assert len(standin.calls(UPLOAD)) == 1
    assert len(standin.calls(SIGN)) == 2


def test_an_upload_that_stays_invisible_is_repeated(standin, bench, chunk):
    """After two misses with the same id the audio is uploaded again."""
    standin.script.forget_uploads()
    underway = bench().engine.deliver(chunk)

    for _ in range(2):
        with pytest.raises(ApiNotYet):
            underway.attempt()
    answer = underway.attempt()
    underway.close()

    assert heard(answer) == TEXT
    assert len(standin.calls(UPLOAD)) == 2
    assert [remote.deleted for remote in underway.remote_files] == [True, True]


def test_a_deletion_is_tried_again(standin, bench, chunk):
    """One failed deletion is repeated at once."""
    standin.script.add(Status(500), match=DELETE)
    underway = bench().engine.deliver(chunk)
    underway.attempt()

    underway.close()

    assert standin.files == ()


def test_a_copy_that_cannot_be_deleted_is_left_to_the_sweep(standin, bench, chunk):
    """Closing never fails for the far side's sake; the next sweep deletes the copy."""
    standin.script.add(Reset(), match=DELETE, times=2)
    made = bench()
    underway = made.engine.deliver(chunk)
    underway.attempt()

    underway.close()

    assert [remote.deleted for remote in underway.remote_files] == [False]
    assert made.journal.kinds() == ["intended", "uploaded"]
    assert made.engine.sweep() == 1
    assert made.journal.kinds() == ["intended", "uploaded", "deleted"]
    assert standin.files == ()


def test_closing_twice_deletes_once(standin, bench, chunk):
    """A second close does nothing."""
    underway = bench().engine.deliver(chunk)
    underway.attempt()

    underway.close()
    underway.close()

    assert len(standin.calls(DELETE)) == 1


def test_an_upload_whose_answer_is_lost_is_found_by_its_name(standin, bench, chunk):
    """The far side kept the copy although we never learnt its id; the sweep finds it."""
    standin.script.add(Reset("answer"), match=UPLOAD)
    made = bench()

    with pytest.raises(ApiUnreachable):
        made.engine.deliver(chunk).attempt()

    assert len(standin.files) == 1
    assert made.engine.sweep() == 1
    assert standin.files == ()


def test_a_sweep_takes_only_what_is_ours_and_idle(standin, bench, tmp_path, chunk):
    """Others' copies, even under a similar prefix, and copies in use stay."""
    other = bench(prefix=f"{PREFIX}2").engine.deliver(chunk)
    other.attempt()
    made = bench()
    running = made.engine.deliver(chunk_at(_another(tmp_path), key="f" * 64))
    running.attempt()
    in_use = running.remote_files[0].id

    assert made.engine.sweep(recorded=[in_use]) == 0
    assert len(standin.files) == 2
    running.close()
    other.close()


def test_a_sweep_takes_what_dead_owners_left(standin, bench, chunk):
    """Copies of other owners under the same installation go, those of the living and of strangers stay."""
    for prefix in ("voxtrald-a-dead", "voxtrald-a-living", "voxtrald-b-dead"):
        standin.script.add(Reset("answer"), match=UPLOAD)
        with pytest.raises(ApiUnreachable):
            bench(prefix=prefix).engine.deliver(chunk).attempt()
    engine = bench(prefix="voxtrald-a-own").engine

    swept = engine.sweep(spare=lambda name: "-living-" in name)

    kept = [stored.filename.removesuffix("-0123456789abcdef.wav") for stored in standin.files]
    assert swept == 1
    assert kept == ["voxtrald-b-dead", "voxtrald-a-living"]


def test_a_recorded_copy_that_is_gone_counts_as_deleted(bench):
    """The journal is brought up to date about copies the far side no longer has."""
    made = bench()
    gone = "497f6eca-6276-4993-bfeb-53cbbbba6f09"

    assert made.engine.sweep(recorded=[gone]) == 1
    assert made.journal.entries == [("deleted", gone)]


def test_a_sweep_manages_without_the_filter_and_over_pages(standin, bench, tmp_path):
    """A service that does not filter by purpose is asked again without; all pages are read."""
    made = bench()
    numbers = count()
    for _ in range(120):
        standin.script.add(Reset("answer"), match=UPLOAD)
        path = tmp_path / f"{next(numbers)}.mp3"
        path.write_bytes(b"ID3" + str(path).encode())
        with pytest.raises(ApiUnreachable):
            made.engine.deliver(chunk_at(path)).attempt()
    standin.script.add(Status(422), match=LIST)

    assert made.engine.sweep() == 120
    assert standin.files == ()


def test_one_copy_for_two_deliveries_lives_as_long_as_both(bench, chunk):
    """Where the service gives equal bytes one id, the first to finish leaves it to the other."""
    with Standin(dedupe=True) as standin:
        engine = bench(far_side=standin).engine
        first, second = engine.deliver(chunk), engine.deliver(chunk)
        standin.script.add(Status(503))
        with pytest.raises(ApiBusy):
            second.attempt()
        first.attempt()
        first.close()

        assert len(standin.files) == 1
        assert heard(second.attempt()) == TEXT
        second.close()
        assert standin.files == ()
        assert standin.violations == []


def test_a_copy_is_not_deleted_under_a_running_upload_of_its_bytes(bench, chunk, wait_until):
    """A delivery that ends while another uploads the same bytes leaves the copy to it."""
    with Standin(dedupe=True) as standin:
        engine = bench(far_side=standin).engine
        first, second = engine.deliver(chunk), engine.deliver(chunk)
        first.attempt()
        standin.script.add(Hang(), match=UPLOAD)
        answers = []
        sender = threading.Thread(target=lambda: answers.append(second.attempt()), daemon=True)
        sender.start()
        wait_until(lambda: standin.script.hanging, what="the second upload")
        first.close()

        assert len(standin.files) == 1
        standin.script.release()
        sender.join(timeout=10)
        second.close()
        assert [heard(answer) for answer in answers] == [TEXT]
        assert standin.files == ()


def test_somebody_elses_file_with_the_same_bytes_is_not_deleted(bench, chunk):
    """A file that was there under a foreign name is used, but neither recorded as ours nor deleted."""
    with Standin(dedupe=True) as standin:
        owner = bench(far_side=standin, prefix="interview").engine.deliver(chunk)
        owner.attempt()
        underway = bench(far_side=standin).engine.deliver(chunk)

        assert heard(underway.attempt()) == TEXT
        underway.close()
        assert len(standin.files) == 1
        assert underway.remote_files == ()
        owner.close()


def test_stop_during_an_upload_prevents_the_transcription(standin, bench, chunk):
    """Nothing is bought after stop, and the copy that was just made is deleted."""
    made = bench()
    underway = made.engine.deliver(chunk)
    standin.script.add(Rewrite(lambda stored: (made.stop.set(), stored)[1]), match=UPLOAD)

    with pytest.raises(StopRequested):
        underway.attempt()
    underway.close()

    assert standin.calls(TRANSCRIBE) == ()
    assert standin.files == ()


def test_the_uplink_is_measured(bench, tmp_path):
    """Large bodies teach the speed of the line; before the first there is no opinion."""
    engine = bench().engine
    assert engine.uplink_bps is None
    underway = engine.deliver(chunk_at(_another(tmp_path, milliseconds=20_000)))

    underway.attempt()
    underway.close()

    assert engine.uplink_bps > 1_000_000


def test_an_endless_answer_is_cut(bench, chunk, monkeypatch):
    """An answer over the limit is not read to its end."""
    monkeypatch.setattr(transport, "_MOST_BYTES", 100)
    underway = bench(delivery="direct").engine.deliver(chunk)

    with pytest.raises(ApiGarbled, match="over 100 bytes"):
        underway.attempt()


# --- the service itself ----------------------------------------------------------------------------------


def test_a_good_key_and_model_pass_the_check(bench):
    """The check is silent where all is well, also for an alias."""
    bench().engine.check()
    bench(model="voxtral-mini-transcribe-latest").engine.check()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"model": "voxtral-mini-9999"}, "does not offer"),
        ({"model": "voxtral-mini-2507"}, "taken away on 2026-05-31"),
        ({"api_key": "correcthorse"}, "401"),
    ],
)
def test_the_check_tells_what_is_wrong(bench, settings, expected):
    """A wrong key, an unknown and a retired model are told before any file is touched."""
    with pytest.raises(ApiDenied, match=expected):
        bench(**settings).engine.check()


def test_a_redirect_is_followed_without_the_key(standin, bench):
    """A question may be redirected to another host, but the key does not go with it."""
    with Standin() as elsewhere:
        standin.script.add(Redirect(f"{elsewhere.url}/v1/models"), match=MODELS)

        with pytest.raises(ApiDenied):
            bench().engine.check()

        assert [request.status for request in elsewhere.requests] == [401]


def test_a_redirect_on_the_same_host_keeps_the_key(standin, bench):
    """A question that is redirected within the host is answered."""
    standin.script.add(Redirect("/v1/models"), match=MODELS)

    bench().engine.check()

    assert [request.status for request in standin.requests] == [307, 200]


def test_a_key_that_no_header_can_carry_is_a_problem_of_the_configuration(bench):
    """A key with a line end in it is told as such before the first request."""
    with pytest.raises(ConfigError):
        bench(api_key="test-key\n")


def test_a_netrc_file_does_not_replace_the_key(bench, tmp_path, monkeypatch):
    """Credentials for the host in ~/.netrc are not sent instead of the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    bench().engine.check()


def test_connections_are_used_again(standin, bench, chunk, monkeypatch):
    """All requests of a thread go over one connection: a chunk does not pay for handshakes."""
    opened = []
    monkeypatch.setattr(socket.socket, "connect", _noting(opened, socket.socket.connect))
    engine = bench().engine

    for _ in range(3):
        underway = engine.deliver(chunk)
        underway.attempt()
        underway.close()

    assert len(standin.requests) == 12
    assert opened == ["connect"]


def test_threads_share_an_engine(standin, bench, chunk):
    """Several senders at once each get their own answer, and no copy stays behind."""
    engine = bench().engine
    answers = []

    def send():
        underway = engine.deliver(chunk)
        answers.append(underway.attempt())
        underway.close()

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert [heard(answer) for answer in answers] == [TEXT] * 6
    assert standin.files == ()


def test_a_whole_outage_changes_nothing(standin, bench, chunk):
    """Every kind of request may fail once; the delivery still ends well and leaves nothing behind."""
    for match in (UPLOAD, SIGN, TRANSCRIBE, DELETE):
        standin.script.add(Status(503), match=match)
    standin.script.add(Status(503), match=ANY)
    underway = bench().engine.deliver(chunk)
    answers = []

    while not answers:
        try:
            answers.append(underway.attempt())
        except ApiBusy:
            continue
    underway.close()

    assert heard(answers[0]) == TEXT
    assert standin.files == ()


def _noting(calls, true):
    def noted(*arguments):
        calls.append(true.__name__)
        return true(*arguments)

    return noted


def _another(tmp_path, *, milliseconds=6_000):
    words = compose(milliseconds, seed=9)
    return write_wav(tmp_path / "another.wav", speak(words, milliseconds), 16_000)
