"""The engine knows its model from the service: what it takes, and when it ends."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import requests
import structlog

from tests.integration.workbench import TEXT, WORDS, heard
from tests.standin.faults import Reset, Rewrite, Status
from tests.standin.script import MODELS, TRANSCRIBE, UPLOAD
from voxtrald.clock import Clock
from voxtrald.errors import ApiDenied, ApiNotYet, ApiRefused, ApiUnreachable

NOBODY = "http://127.0.0.1:9"
NEXT, MINI_2602, MINI_2507 = "voxtral-next", "voxtral-mini-2602", "voxtral-mini-2507"


class Calendar:
    """A clock whose days can be turned in both directions."""

    def __init__(self):
        self.at = datetime(2026, 11, 23, 12, tzinfo=UTC)

    @property
    def clock(self):
        """The clock to hand over."""
        return Clock(now=lambda: self.at)

    def turn(self, **by):
        """Turn it by so many days, hours or minutes."""
        self.at += timedelta(**by)


@pytest.fixture
def calendar():
    """Give a clock that can be turned."""
    return Calendar()


def say(standin, name, *, times=None, remove=False, details=None, **changes):
    """Let the service say something else about a model, so often or from now on, or list it no more."""

    def rewrite(answer):
        others = [card for card in answer["data"] if card["id"] != name]
        known = next((card for card in answer["data"] if card["id"] == name), {**answer["data"][0], "id": name})
        abilities = {**known["audio_transcription_capabilities"], **(details or {})}
        told = {**known, "aliases": [], "audio_transcription_capabilities": abilities, **changes}
        return {**answer, "data": others if remove else [*others, told]}

    standin.script.add(Rewrite(rewrite), match=MODELS, times=times)


def kept_file(tmp_path):
    """The one file in which the models are kept."""
    (path,) = (tmp_path / "state").iterdir()
    return path


# --- what the model takes --------------------------------------------------------------------------------


def test_words_are_timed_one_by_one(standin, bench, chunk):
    """The second generation gives each word its own time."""
    underway = bench(model=MINI_2602, timestamps="word").engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert [segment.text.strip() for segment in answer.segments] == [word.text for word in WORDS]
    assert max(abs(one.start_ms - word.start_ms) for one, word in zip(answer.segments, WORDS, strict=True)) < 50
    assert answer.dropped == ()
    assert standin.calls(TRANSCRIBE)[0].values("timestamp_granularities") == ("word",)


def test_the_third_generation_is_never_asked_for_words(standin, bench, chunk):
    """Words' times are replaced by segments' before the service can refuse, and that is told."""
    underway = bench(timestamps="word").engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert answer.dropped == ("timestamp_granularities=word",)
    assert [request.values("timestamp_granularities") for request in standin.calls(TRANSCRIBE)] == [("segment",)]


def test_the_language_is_in_the_answer(bench, chunk):
    """Where none is given, the third generation is asked which language it heard."""
    underway = bench().engine.deliver(chunk)

    answer = underway.attempt()
    underway.close()

    assert (answer.language, answer.dropped) == ("en", ())


def test_an_unknown_model_is_asked_for_what_its_card_offers(standin, bench):
    """A model younger than this program has the capabilities that the service tells."""
    say(standin, NEXT, details={"timestamp_granularities": ["word"], "diarization": False, "languages": ["lv"]})
    engine = bench(model=NEXT, timestamps="word", diarize=True, language="en").engine
    engine.learn()

    assert engine.parameters == {"model": NEXT, "timestamp_granularities": ("word",)}
    assert (engine.capabilities.timestamps, engine.capabilities.languages) == ({"word"}, {"lv"})
    assert engine.capabilities.diarize is False


def test_without_the_service_the_table_counts(bench):
    """Where nothing can be learnt, that is no error, and what is documented holds."""
    engine = bench(base_url=NOBODY, model=MINI_2602, timestamps="word").engine

    engine.learn()

    assert engine.parameters == {"model": MINI_2602, "timestamp_granularities": ("word",)}
    assert engine.capabilities.takes_addresses


def test_requests_stay_the_same_under_way(standin, bench):
    """News waits for the next start: the key of paid answers is made of the request."""
    engine = bench(model=MINI_2602, timestamps="word").engine
    before = engine.parameters
    say(standin, MINI_2602, details={"timestamp_granularities": ["segment"]})

    engine.learn()

    assert engine.parameters == before
    assert bench(model=MINI_2602, timestamps="word").engine.parameters != before


# --- how long it is known --------------------------------------------------------------------------------


def test_the_service_is_asked_once_a_day(standin, bench, calendar):
    """Engines of one service share what it said, also over a restart, until a day has passed."""
    bench(clock=calendar.clock).engine.learn()
    calendar.turn(hours=23)
    bench(clock=calendar.clock, model=MINI_2602).engine.learn()
    within_a_day = len(standin.calls(MODELS))
    calendar.turn(hours=2)
    bench(clock=calendar.clock).engine.learn()

    assert (within_a_day, len(standin.calls(MODELS))) == (1, 2)


def test_a_clock_set_back_makes_nothing_eternal(standin, bench, calendar):
    """A list that seems to be from the future is asked for again."""
    bench(clock=calendar.clock).engine.learn()
    calendar.turn(days=-400)

    bench(clock=calendar.clock).engine.learn()
    bench(clock=calendar.clock).engine.learn()

    assert len(standin.calls(MODELS)) == 2


def test_an_old_list_counts_until_there_is_a_new_one(standin, bench, calendar):
    """When the service cannot be asked, what it said last goes before the table."""
    say(standin, MINI_2602, times=1, details={"diarization": False})
    bench(clock=calendar.clock).engine.learn()
    calendar.turn(days=40)
    standin.script.add(Status(503), match=MODELS)
    engine = bench(clock=calendar.clock, model=MINI_2602).engine

    engine.learn()

    assert engine.capabilities.diarize is False


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"asked_at": "soon", "models": []}', b'{"asked_at": "2026-11-23T12:00:00Z"}']
)
def test_a_damaged_list_is_none(standin, bench, tmp_path, calendar, content):
    """A file that cannot be understood is replaced by asking."""
    bench(clock=calendar.clock).engine.learn()
    kept_file(tmp_path).write_bytes(content)
    engine = bench(clock=calendar.clock).engine

    engine.learn()

    assert len(standin.calls(MODELS)) == 2
    assert json.loads(kept_file(tmp_path).read_text())["asked_at"] == "2026-11-23T12:00:00+00:00"


def test_the_list_is_kept_for_its_owner_only(bench, tmp_path):
    """Names of an account's models are nobody else's business."""
    bench().engine.learn()

    assert kept_file(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_list_that_cannot_be_kept_does_no_harm(standin, bench, tmp_path):
    """Without a place for the file the service is asked again at the next start."""
    (tmp_path / "state").write_text("in the way")
    engine = bench(model=MINI_2602).engine
    say(standin, MINI_2602, details={"diarization": False})

    with structlog.testing.capture_logs() as events:
        engine.learn()
        engine.learn()

    assert [event["event"] for event in events] == ["models_not_kept"]
    assert engine.capabilities.diarize is False
    assert len(standin.calls(MODELS)) == 1


def test_many_may_learn_at_once(bench, tmp_path):
    """Engines that learn side by side leave one whole file."""
    engines = [bench().engine for _ in range(8)]
    threads = [threading.Thread(target=engine.learn) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert json.loads(kept_file(tmp_path).read_text())["models"]


# --- the end of a model ----------------------------------------------------------------------------------


def told(engine):
    """What an engine logs while it learns."""
    with structlog.testing.capture_logs() as events:
        engine.learn()
    return [(event["event"], event["log_level"], event.get("on"), event.get("replacement")) for event in events]


def test_a_retired_model_is_told_at_start_without_a_network(bench, calendar):
    """The log names day and replacement before anybody is asked; so do the warnings."""
    engine = bench(base_url=NOBODY, model=MINI_2507, clock=calendar.clock).engine

    assert told(engine) == [
        ("model_retired", "warning", "2026-05-31", MINI_2602),
        ("models_not_learnt", "info", None, None),
    ]
    assert engine.warnings == (
        "the model voxtral-mini-2507 was taken away on 2026-05-31; write `model: voxtral-mini-2602` under `engine`",
    )


def test_a_coming_end_is_told_at_start(standin, bench, calendar):
    """An end within sixty days is announced when the service has told it, and once."""
    say(standin, MINI_2602, deprecation="2026-12-24T00:00:00Z", deprecation_replacement_model="voxtral-mini-2612")
    engine = bench(model=MINI_2602, clock=calendar.clock).engine

    assert told(engine) == [("model_retirement_announced", "warning", "2026-12-24", "voxtral-mini-2612")]
    assert told(engine) == []
    assert "will be taken away on 2026-12-24; write `model: voxtral-mini-2612`" in engine.warnings[0]
    assert engine.check().endswith(MINI_2602)


def test_a_model_with_a_future_is_not_worth_a_word(bench):
    """The usual model warns of nothing."""
    engine = bench().engine

    assert (told(engine), engine.warnings) == ([], ())


@pytest.mark.parametrize("reply", [Reset(), Status(503)], ids=["gone", "busy"])
def test_the_check_denies_a_retired_model_without_the_service(standin, bench, reply):
    """What is known to be gone is told also when nobody can be asked."""
    standin.script.add(reply, match=MODELS)

    with pytest.raises(ApiDenied, match="was taken away on 2026-05-31") as caught:
        bench(model=MINI_2507).engine.check()

    assert MINI_2602 in caught.value.hint


def test_the_check_denies_a_retired_model_that_is_not_listed(standin, bench):
    """A model that the service lists no more is told with the reason that the table knows."""
    say(standin, MINI_2507, remove=True)

    with pytest.raises(ApiDenied, match="was taken away on 2026-05-31"):
        bench(model=MINI_2507).engine.check()


@pytest.mark.parametrize(
    "told_of_it",
    [
        {"details": {"modes": ["realtime"]}},
        {"audio_transcription_capabilities": None, "capabilities": {"audio_transcription": False}},
    ],
    ids=["live", "chat"],
)
def test_the_check_denies_a_model_for_other_work(standin, bench, told_of_it):
    """Models for live audio or for chat are told before a recording meets them."""
    say(standin, NEXT, **told_of_it)

    with pytest.raises(ApiDenied, match="does not transcribe recordings"):
        bench(model=NEXT).engine.check()


def test_the_check_asks_although_the_list_is_fresh(standin, bench):
    """The check is also about the key, so it never answers from memory."""
    bench().engine.learn()

    with pytest.raises(ApiDenied, match="401"):
        bench(api_key="correcthorse").engine.check()

    assert len(standin.calls(MODELS)) == 2


def test_a_service_that_cannot_be_asked_is_unreachable(bench):
    """For a model in service the check says that it does not know."""
    with pytest.raises(ApiUnreachable):
        bench(base_url=NOBODY).engine.check()


def test_no_audio_is_sent_to_a_model_that_is_gone(standin, bench, chunk):
    """Where the service confirms the end, work is held with the replacement's name, and nothing is uploaded."""
    underway = bench(model=MINI_2507).engine.deliver(chunk)

    for _ in range(2):
        with pytest.raises(ApiDenied, match="was taken away on 2026-05-31"):
            underway.attempt()
    underway.close()

    assert (standin.calls(UPLOAD), standin.calls(TRANSCRIBE)) == ((), ())
    assert len(standin.calls(MODELS)) == 1


@pytest.mark.parametrize("reply", [Status(404), Status(403), Reset()], ids=["no list", "not for this key", "broken"])
def test_the_table_alone_refuses_nothing(standin, bench, chunk, reply):
    """Where the service does not tell its models, the attempt itself finds out."""
    standin.script.add(reply, match=MODELS)
    underway = bench(model=MINI_2507).engine.deliver(chunk)

    with pytest.raises(ApiDenied, match="Invalid model"):
        underway.attempt()
    underway.close()

    assert len(standin.calls(TRANSCRIBE)) == 1


def test_another_service_may_serve_an_old_model_on(standin, bench, chunk):
    """A model that is listed without an end is used, whatever the table says."""
    say(standin, MINI_2507, deprecation=None)
    engine = bench(model=MINI_2507).engine
    underway = engine.deliver(chunk)

    with pytest.raises(ApiDenied, match="Invalid model"):  # the stand-in's transcriptions know better
        underway.attempt()
    underway.close()

    assert len(standin.calls(TRANSCRIBE)) == 1
    assert engine.warnings == ()


# --- addresses -------------------------------------------------------------------------------------------


@pytest.fixture
def published(standin, chunk):
    """Put the chunk where the service can fetch it, and give the address."""
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer test-key"
        form = {"file": ("talk.wav", chunk.path.read_bytes()), "purpose": (None, "audio")}
        stored = session.post(f"{standin.url}/v1/files", files=form, timeout=30).json()["id"]
        return session.get(f"{standin.url}/v1/files/{stored}/url", timeout=30).json()["url"]


def test_an_address_is_handed_over(standin, bench, published):
    """The service fetches the audio itself: nothing is uploaded, and nothing has to be deleted."""
    made = bench(language="lv")
    underway = made.engine.deliver_address(published, key="f" * 64)

    answer = underway.attempt()
    underway.close()

    assert heard(answer) == TEXT
    assert standin.calls(TRANSCRIBE)[0].values("file_url") == (published,)
    assert (underway.remote_files, made.journal.entries, len(standin.files)) == ((), [], 1)


def test_an_address_that_leads_nowhere_is_told_without_its_secret(standin, bench, published):
    """The service's complaint repeats the address; ours does not."""
    standin.expire_urls()

    with pytest.raises(ApiNotYet) as caught:
        bench().engine.deliver_address(published, key="f" * 64).attempt()

    assert "sig=" not in caught.value.message


@pytest.mark.parametrize("address", ["ftp://example.org/a.mp3", "https://example.org/" + "a" * 2100])
def test_an_address_the_service_does_not_take_is_refused(bench, address):
    """Only web addresses of a certain length can be handed over."""
    with pytest.raises(ApiRefused):
        bench().engine.deliver_address(address, key="f" * 64)
