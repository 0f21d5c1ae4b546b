"""The engine for servers with OpenAI's interface, against servers that behave like the known ones."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.engines.benches import WORDS, Bench, FarSide, chunk_at
from tests.engines.flavours import FLAVOURS, KEY, LOCALAI, MODEL, OPENAI, SGLANG, SPEACHES, STRANGER, VLLM, WHISPER_CPP
from tests.engines.lookalike import playing
from tests.sound.speech import speak, write_wav
from voxtrald.config import EngineSettings
from voxtrald.engines.compatible.knowledge import Knowledge
from voxtrald.engines.http.replies import Reply
from voxtrald.errors import ApiBusy, ApiDenied, ApiGarbled, ApiRefused, ApiUnreachable, StopRequested
from voxtrald.stopping import Stop

TEXT = " ".join(word.text for word in WORDS)


@pytest.fixture
def play():
    """Give a function that starts servers; they are stopped in the end."""
    running = []

    def start(flavour):
        manager = playing(flavour)
        running.append(manager)
        return manager.__enter__()

    yield start
    for manager in running:
        manager.__exit__(None, None, None)


@pytest.fixture
def connect(tmp_path):
    """Give a function that makes engines for a server; they are closed in the end."""
    benches = []

    def make(far_side, /, *, key=KEY, stop=None, **changed):
        settings = {"kind": "openai", "base_url": far_side.url, "model": MODEL}
        bench = Bench(
            name="openai",
            far_side=FarSide(settings=settings, key=key),
            hears_tones=True,
            folder=tmp_path,
            stop=stop or Stop(),
        )
        benches.append(bench)
        return bench.engine(**changed)

    yield make
    for bench in benches:
        for engine in bench.engines:
            engine.close()


@pytest.fixture
def chunk(tmp_path):
    """Write six seconds of speech and describe them as a chunk."""
    return chunk_at(write_wav(tmp_path / "chunk.wav", speak(WORDS, 6_000), 16_000))


def paths(server, method):
    """The paths that were asked with a method, in order."""
    return [asked.path for asked in server.asked if asked.method == method]


# --- finding out who answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flavour", "probes"),
    [
        (VLLM, 1),
        (SGLANG, 1),
        (WHISPER_CPP, 1),
        (SPEACHES, 2),
        (FLAVOURS["open_asr_server"], 2),
        (LOCALAI, 3),
        (STRANGER, 3),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_server_is_asked_who_it_is_once(play, connect, chunk, flavour, probes):
    """As few questions as needed are asked before the first chunk, and none before the second."""
    server = play(flavour)
    engine = connect(server)

    answers = [engine.deliver(chunk).attempt(), engine.deliver(chunk).attempt()]

    assert [" ".join(answer.text.split()) for answer in answers] == [TEXT, TEXT]
    assert len(paths(server, "GET")) == probes
    assert server.asked[probes - 1].method == "GET"


def test_a_named_server_is_not_asked(play, connect, chunk):
    """With `engine.server` set, the first request carries audio."""
    server = play(VLLM)

    connect(server, server="vllm").deliver(chunk).attempt()

    assert paths(server, "GET") == []


def test_a_busy_server_is_asked_again(play, connect, chunk):
    """An answer that may be another one in a while settles nothing."""
    server = play(VLLM)
    server.changed["/v1/models"] = [(503, {"detail": "loading"})]
    engine = connect(server)

    engine.deliver(chunk).attempt()
    engine.deliver(chunk).attempt()

    assert paths(server, "GET").count("/v1/models") == 2
    assert engine.check().startswith(f"{server.url} is vLLM")


def test_capabilities_follow_what_is_learnt(play, connect):
    """Before anything was asked, chunks are short and in a format that all take; then it is known better."""
    engine = connect(play(SPEACHES))
    before = engine.capabilities

    engine.learn()

    assert (before.formats[0], before.usual_chunk_ms, before.timestamps) == ("wav", 45_000, frozenset())
    assert engine.capabilities.formats[0] == "mp3"
    assert engine.capabilities.usual_chunk_ms is None
    assert engine.capabilities.timestamps == {"segment", "word"}


def test_a_stranger_that_gives_times_gets_longer_chunks(play, connect, chunk):
    """What a server was seen to give counts, whoever it is."""
    engine = connect(play(replace(STRANGER, formats=("json", "verbose_json"))))

    engine.deliver(chunk).attempt()

    assert engine.capabilities.usual_chunk_ms is None
    assert engine.capabilities.max_chunk_ms == 600_000


@pytest.mark.parametrize(
    "flavour",
    [
        replace(WHISPER_CPP, path="/v1/audio/transcriptions"),
        replace(WHISPER_CPP, header="", page=""),
    ],
    ids=["whisper.cpp with an inference path", "a nameless server at /inference"],
)
def test_the_path_that_exists_is_found_once(play, connect, chunk, flavour):
    """Where the first path does not exist the second is tried, and used from then on."""
    server = play(flavour)
    engine = connect(server)

    answers = [engine.deliver(chunk).attempt() for _ in range(2)]

    assert [" ".join(answer.text.split()) for answer in answers] == [TEXT, TEXT]
    assert paths(server, "POST")[1:] == [flavour.path, flavour.path]
    assert len(set(paths(server, "POST"))) == 2


def test_an_address_that_leads_nowhere_holds_all_work(play, connect, chunk):
    """Where no path exists, the address is at fault, and no recording."""
    server = play(replace(STRANGER, path="/elsewhere"))

    with pytest.raises(ApiDenied) as caught:
        connect(server).deliver(chunk).attempt()

    assert caught.value.hint == "is engine.base_url right?"


def test_a_thread_that_waits_for_another_hears_stop():
    """While one thread asks who answers, others wait, and leave when stop is asked for."""
    asking, answered, stop = threading.Event(), threading.Event(), Stop()

    class Silent:
        def get(self, path, *, query, timeout_s):  # noqa: ARG002
            """Take a long time."""
            asking.set()
            answered.wait()
            return Reply(status=404)

    settings = EngineSettings(kind="openai", base_url="http://127.0.0.1:9", model="m")
    knowledge = Knowledge(settings=settings, transport=Silent(), stop=stop)
    first = threading.Thread(target=knowledge.learn, daemon=True)
    first.start()
    asking.wait()
    stop.set()

    with pytest.raises(StopRequested):
        knowledge.learn()

    answered.set()
    first.join()


# --- what is asked and what is refused -------------------------------------------------------------------


def test_a_refused_format_is_given_up_once(play, connect, chunk):
    """VLLM with Voxtral knows no segments: the request is repeated at once without, and later ones begin so."""
    server = play(VLLM)
    engine = connect(server)

    answers = [engine.deliver(chunk).attempt(), engine.deliver(chunk).attempt()]

    assert [asked.status for asked in server.transcriptions] == [400, 200, 200]
    assert [asked.values("response_format") for asked in server.transcriptions] == [("verbose_json",), (), ()]
    assert [answer.dropped for answer in answers] == [("response_format", "timestamp_granularities")] * 2
    assert [answer.segments for answer in answers] == [(), ()]
    assert answers[0].billed_s == 6.0


def test_words_come_with_their_times(play, connect, chunk):
    """With `timestamps: word` each word is a segment of its own."""
    answer = connect(play(OPENAI), server="openai", timestamps="word").deliver(chunk).attempt()

    assert [segment.text for segment in answer.segments] == [word.text for word in WORDS]
    assert all(abs(segment.start_ms - word.start_ms) < 20 for segment, word in zip(answer.segments, WORDS, strict=True))


def test_a_server_without_words_gives_segments(play, connect, chunk):
    """Where words were asked for and do not come, there are segments, and the answer tells it."""
    answer = connect(play(replace(STRANGER, formats=("verbose_json",))), timestamps="word").deliver(chunk).attempt()

    assert 1 < len(answer.segments) < len(WORDS)
    assert answer.dropped == ("timestamp_granularities=word",)


@pytest.mark.parametrize(("diarize", "speakers"), [(True, {"speaker_1"}), (False, {None})])
def test_speakers_are_told_apart_only_where_asked(play, connect, chunk, diarize, speakers):
    """LocalAI does it unless told otherwise; and its nanoseconds are no obstacle."""
    answer = connect(play(LOCALAI), diarize=diarize).deliver(chunk).attempt()

    assert {segment.speaker for segment in answer.segments} == speakers
    assert answer.segments[-1].end_ms < 6_000


def test_the_language_is_told_as_a_code(play, connect, chunk):
    """Whisper's English names become codes."""
    assert connect(play(WHISPER_CPP)).deliver(chunk).attempt().language == "en"


def test_the_name_of_a_recording_stays_here(play, connect, chunk):
    """The server is told a name of our choosing, not the recording's."""
    server = play(OPENAI)

    engine = connect(server, server="openai")
    engine.deliver(chunk).attempt()

    assert engine.deliver(chunk)._part.name == "voxtrald-bench-0123456789abcdef.wav"


# --- models and keys -------------------------------------------------------------------------------------


def test_the_only_model_is_taken(play, connect, chunk):
    """Without a configured model the server's only one is asked for; the parameters stay as configured."""
    server = play(VLLM)
    engine = connect(server, model=None)

    engine.deliver(chunk).attempt()

    assert server.transcriptions[-1].values("model") == (MODEL,)
    assert engine.model == MODEL
    assert engine.parameters["model"] is None


@pytest.mark.parametrize("cards", [{"data": [{"id": "whisper-a"}, {"id": "whisper-b"}]}, None])
def test_a_choice_of_models_is_ours_to_make(play, connect, chunk, cards):
    """With several models, or without a list, all work waits until the configuration names one."""
    server = play(replace(STRANGER, models=cards))

    with pytest.raises(ApiDenied) as caught:
        connect(server, model=None).deliver(chunk).attempt()

    assert caught.value.hint == "set engine.model" + ("; it offers whisper-a, whisper-b" if cards else "")
    assert paths(server, "POST") == []


def test_without_a_key_none_is_sent(play, connect, chunk, monkeypatch, tmp_path):
    """A server that wants no key gets none, not even one that lies about for other programs."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    server = play(WHISPER_CPP)

    connect(server, key=None).deliver(chunk).attempt()

    assert {asked.authorization for asked in server.asked} == {None}


@pytest.mark.parametrize(
    ("flavour", "key", "hint"),
    [
        (SPEACHES, "sk-other", "the API key is not accepted"),
        (VLLM, "sk-other", "the API key is not accepted"),
        (VLLM, None, "the server wants an API key: set engine.api_key_file, or OPENAI_API_KEY in the environment"),
        (SPEACHES, None, "the server wants an API key: set engine.api_key_file, or OPENAI_API_KEY in the environment"),
    ],
)
def test_a_refused_key_is_told_as_what_it_is(play, connect, chunk, flavour, key, hint):
    """A wrong key, a missing key, and 403 instead of 401: the hint says what to do."""
    engine = connect(play(flavour), key=key)

    for attempt in (engine.deliver(chunk).attempt, engine.check):
        with pytest.raises(ApiDenied) as caught:
            attempt()
        assert caught.value.hint == hint


def test_another_key_is_used_from_then_on(play, connect, chunk):
    """After a change of the key the same engine is let in."""
    engine = connect(play(VLLM), key="sk-other")
    with pytest.raises(ApiDenied):
        engine.deliver(chunk).attempt()

    engine.use_key(KEY)

    assert " ".join(engine.deliver(chunk).attempt().text.split()) == TEXT


# --- failures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"message": "bad audio"}}, ApiRefused),
        (400, {"detail": "bad audio"}, ApiRefused),
        (400, {"error": "bad audio"}, ApiRefused),
        (413, "too large", ApiRefused),
        (422, {"detail": [{"loc": ["body", "file"], "msg": "odd"}]}, ApiRefused),
        (401, {"error": "Unauthorized"}, ApiDenied),
        (404, {"detail": "Model 'tones-1' is not installed locally."}, ApiDenied),
        (409, {"detail": "Model 'tones-1' matches multiple backends: a, b."}, ApiDenied),
        (429, {"detail": "Too many requests"}, ApiBusy),
        (500, "Internal Server Error", ApiBusy),
        (503, {"detail": {"message": "could not load", "retryable": True}}, ApiBusy),
        (504, {"detail": "Transcription timed out"}, ApiBusy),
        (200, ["ok"], ApiGarbled),
        (200, {"result": "ok"}, ApiGarbled),
        (307, "", ApiUnreachable),
    ],
)
def test_a_failure_has_its_class_and_the_next_attempt_succeeds(play, connect, chunk, status, body, expected):
    """Whatever goes wrong is told by its class and does no harm to the next attempt."""
    server = play(SPEACHES)
    engine = connect(server)
    engine.learn()
    server.changed[SPEACHES.path] = [(status, body)]
    delivery = engine.deliver(chunk)

    with pytest.raises(expected) as caught:
        delivery.attempt()

    assert type(caught.value) is expected
    assert KEY not in caught.value.message
    assert " ".join(delivery.attempt().text.split()) == TEXT


def test_too_much_at_once_says_what_to_change(play, connect, chunk):
    """A size limit of the server or of a proxy is met with shorter chunks."""
    server = play(SPEACHES)
    server.changed[SPEACHES.path] = [(413, {"detail": "File too large"})]

    with pytest.raises(ApiRefused, match=r"File too large; chunks\.max_minutes makes requests smaller"):
        connect(server).deliver(chunk).attempt()


def test_a_connection_is_not_used_again_after_a_failure_of_the_server(play, connect, chunk):
    """Servers hang up after an error of their own; the next request must not run into that."""
    server = play(SPEACHES)
    engine = connect(server)
    engine.deliver(chunk).attempt()
    server.changed[SPEACHES.path] = [(500, "Internal Server Error")]
    with pytest.raises(ApiBusy):
        engine.deliver(chunk).attempt()

    engine.deliver(chunk).attempt()

    before, failed, after = (asked.port for asked in server.transcriptions)
    assert before == failed != after


def test_abort_ends_a_request_on_its_way(play, connect, chunk, wait_until):
    """After stop, abort wakes a sender that waits for an answer, and nobody is blamed."""
    server, stop = play(SPEACHES), Stop()
    engine = connect(server, stop=stop)
    server.open.clear()
    outcomes = []

    def send():
        try:
            outcomes.append(engine.deliver(chunk).attempt())
        except StopRequested as error:
            outcomes.append(error)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    wait_until(lambda: server.waiting == 1, what="a request on its way")
    stop.set()
    engine.abort()
    sender.join(timeout=5)

    assert [type(outcome) for outcome in outcomes] == [StopRequested]


# --- the check -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flavour", "said"),
    [
        (VLLM, "vLLM; it offers tones-1"),
        (SPEACHES, "Speaches; it offers tones-1"),
        (FLAVOURS["open_asr_server"], "open-asr-server; it offers tones-1"),
        (WHISPER_CPP, "whisper.cpp; it uses the model it was started with"),
        (STRANGER, "a server of a kind that is not known; whether it has tones-1 shows at the first recording"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_check_says_what_it_found(play, connect, flavour, said):
    """One sentence names the server and says whether the model is there, as far as the server tells."""
    server = play(flavour)

    assert connect(server).check() == f"{server.url} is {said}"
    assert paths(server, "POST") == []


def test_the_check_finds_a_model_that_is_not_there(play, connect):
    """Where the list is complete, a model that is not on it cannot be had."""
    with pytest.raises(ApiDenied) as caught:
        connect(play(VLLM), model="other").check()

    assert caught.value.message == "the server does not offer the model other"
    assert caught.value.hint == "set engine.model; it offers tones-1"


def test_the_check_does_not_rely_on_a_partial_list(play, connect):
    """Speaches knows names that it does not list."""
    assert "other shows at the first recording" in connect(play(SPEACHES), model="other").check()


def test_the_check_does_not_praise_a_broken_server(play, connect):
    """A server that cannot answer now is not called ready."""
    server = play(SPEACHES)
    server.changed["/v1/models"] = [(503, {"detail": "loading"})]

    with pytest.raises(ApiBusy):
        connect(server).check()
