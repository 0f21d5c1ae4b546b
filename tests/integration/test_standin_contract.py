"""The stand-in keeps its contract, makes clients keep it, and is understood by Mistral's own SDK."""

from __future__ import annotations

import base64
import gc
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from openapi_spec_validator import validate

from tests.sound.formats import FORMATS
from tests.sound.hearing import BROKEN
from tests.sound.speech import compose, speak, write_wav
from tests.standin import faults
from tests.standin.contract import load_contract
from tests.standin.script import MODELS, SIGN, TRANSCRIBE, UPLOAD
from tests.standin.server import Standin
from tests.standin.transcribing import Ears

MODEL = "voxtral-mini-transcribe-3-0"
PATH = "/v1/audio/transcriptions"
SECONDS = 20


@pytest.fixture(scope="module")
def words():
    """Give the words that are said in the recording."""
    return compose(SECONDS * 1000, seed=11)


@pytest.fixture(scope="module")
def recording(words, tmp_path_factory):
    """Give a small mp3 recording."""
    folder = tmp_path_factory.mktemp("speech")
    wav = write_wav(folder / "speech.wav", speak(words, SECONDS * 1000))
    return FORMATS["mp3-lean"].write(wav, folder / "speech")


@pytest.fixture
def sdk(standin):
    """Give Mistral's own client, pointed at the stand-in."""
    with Mistral(api_key="test-key", server_url=standin.url) as client:
        yield client


@pytest.fixture
def session():
    """Give a plain HTTP session that holds the key."""
    with requests.Session() as plain:
        plain.headers["Authorization"] = "Bearer test-key"
        yield plain


def text_of(words):
    """What a transcript of the words says."""
    return " ".join(word.text for word in words)


def sdk_file(path):
    """A file as the SDK wants it."""
    return {"file_name": path.name, "content": path.read_bytes()}


def post(session, standin, *, form=(), path=None, name="file", filename="a.mp3"):
    """Send a transcription request made of repeated fields and a file."""
    parts = [(key, (None, value)) for key, value in form]
    if path is not None:
        parts.append((name, (filename, path.read_bytes())))
    return session.post(standin.url + PATH, files=parts, timeout=30)


# --- the contract ----------------------------------------------------------------------------------------


def test_the_contract_is_valid_openapi():
    """The contract is an OpenAPI document without errors."""
    validate(load_contract())


# --- a second client -------------------------------------------------------------------------------------


def test_the_sdk_transcribes_a_file(sdk, standin, recording, words):
    """Mistral's SDK sends a file directly and understands text, segments and usage."""
    answer = sdk.audio.transcriptions.complete(
        model=MODEL, file=sdk_file(recording), language="lv", timestamp_granularities=["segment"]
    )

    assert answer.text == text_of(words)
    assert "".join(segment.text for segment in answer.segments).strip() == answer.text
    assert abs(answer.segments[0].start * 1000 - words[0].start_ms) <= 15
    assert (answer.language, answer.usage.prompt_audio_seconds) == (None, standin.seconds_paid)


def test_the_sdk_transcribes_an_upload(sdk, standin, recording, words):
    """Mistral's SDK uploads, lists, signs, transcribes by address and by id, and deletes; nothing is left."""
    stored = sdk.files.upload(file=sdk_file(recording), purpose="audio")
    listed = sdk.files.list(page_size=10)
    url = sdk.files.get_signed_url(file_id=stored.id, expiry=1).url
    by_url = sdk.audio.transcriptions.complete(model=MODEL, file_url=url, context_bias=["a b", "c"])
    by_id = sdk.audio.transcriptions.complete(model="voxtral-mini-latest", file_id=stored.id)
    described = sdk.files.retrieve(file_id=stored.id)
    deleted = sdk.files.delete(file_id=stored.id)

    assert [one.id for one in listed.data] == [stored.id]
    assert by_url.text == by_id.text == text_of(words)
    assert (by_url.segments, by_id.language) == ([], "en")
    assert (described.size_bytes, deleted.deleted) == (recording.stat().st_size, True)
    assert standin.files == ()


def test_the_sdk_reads_the_models(sdk):
    """Mistral's SDK reads the model cards, with what each can do and when it retires."""
    cards = {card.id: card for card in sdk.models.list().data}

    assert cards[MODEL].audio_transcription_capabilities.timestamp_granularities == ["segment"]
    assert cards["voxtral-mini-2507"].deprecation_replacement_model == "voxtral-mini-2602"


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Give clips of a voice by their length in seconds."""
    folder = tmp_path_factory.mktemp("clips")
    spoken = {seconds: speak(compose(seconds * 1000, seed=seconds), seconds * 1000) for seconds in (2, 5, 16)}
    return {seconds: write_wav(folder / f"{seconds}.wav", samples) for seconds, samples in spoken.items()}


def test_the_sdk_sends_voices(sdk, recording, words, clips):
    """Mistral's SDK sends clips of voices in the form that the contract wants, and gets their names back."""
    voices = {"Ann": base64.b64encode(clips[5].read_bytes()).decode()}
    answer = sdk.audio.transcriptions.complete(
        model=MODEL,
        file=sdk_file(recording),
        diarize=True,
        timestamp_granularities=["segment"],
        speaker_references=voices,
    )

    assert answer.text == text_of(words)
    assert answer.segments[0].speaker_id == "Ann"


@pytest.mark.parametrize("seconds", [2, 16])
def test_clips_that_are_too_short_or_too_long_are_refused(sdk, standin, recording, clips, seconds):
    """A clip of a voice has 3 to 15 seconds."""
    voices = {"Ann": base64.b64encode(clips[seconds].read_bytes()).decode()}
    form = {"diarize": True, "timestamp_granularities": ["segment"], "speaker_references": voices}

    with pytest.raises(SDKError, match="3 to 15"):
        sdk.audio.transcriptions.complete(model=MODEL, file=sdk_file(recording), **form)

    assert len(standin.violations) == 1
    standin.violations.clear()


def test_the_sdk_sees_errors(sdk, standin, recording):
    """Mistral's SDK finds the status of a refusal."""
    standin.script.add(faults.Status(503))

    with pytest.raises(SDKError) as caught:
        sdk.audio.transcriptions.complete(model=MODEL, file=sdk_file(recording))

    assert caught.value.status_code == 503


# --- refusals --------------------------------------------------------------------------------------------

BROKEN_FORMS = {
    "no model": ([], {}, 422),
    "brackets": ([("model", MODEL), ("timestamp_granularities[]", "segment")], {}, 422),
    "unknown field": ([("model", MODEL), ("response_format", "json")], {}, 422),
    "long language": ([("model", MODEL), ("language", "eng")], {}, 422),
    "language twice": ([("model", MODEL), ("language", "en"), ("language", "lv")], {}, 422),
    "file and address": ([("model", MODEL), ("file_url", "http://127.0.0.1/x")], {}, 422),
    "no file name": ([("model", MODEL)], {"filename": None}, 422),
    "stream": ([("model", MODEL), ("stream", "true")], {}, 422),
    "diarize alone": ([("model", MODEL), ("diarize", "true")], {}, 422),
    "words on voxtral 3": ([("model", MODEL), ("timestamp_granularities", "word")], {}, 400),
    "voices as text": ([("model", MODEL), ("speaker_references", "{}")], {}, 422),
    "language asked of voxtral 2": ([("model", "voxtral-mini-2602"), ("return_language", "true")], {}, 400),
    "language given and asked": ([("model", MODEL), ("language", "lv"), ("return_language", "true")], {}, 400),
    "phrase on voxtral 2": ([("model", "voxtral-mini-2602"), ("context_bias", "a b")], {}, 422),
}


@pytest.mark.parametrize("name", BROKEN_FORMS)
def test_a_broken_form_is_refused_and_noted(name, session, recording):
    """A form that breaks the contract or the service's rules is refused, and stands among the violations."""
    form, how, status = BROKEN_FORMS[name]
    with Standin() as standin:
        answer = post(session, standin, form=form, path=recording, **how)

        assert answer.status_code == status
        assert len(standin.violations) >= 1
        assert standin.seconds_paid == 0


def test_json_is_refused(session):
    """A JSON body is answered as the real service answers it."""
    with Standin() as standin:
        answer = session.post(standin.url + PATH, json={"model": MODEL}, timeout=30)

        assert (answer.status_code, "multipart/form-data" in answer.json()["message"]) == (422, True)
        assert len(standin.violations) == 1


@pytest.mark.parametrize("model", ["voxtral-mini-2507", "voxtral-small-latest", "whisper"])
def test_a_model_out_of_service_is_refused(model, session, standin, recording):
    """Unknown and retired models get 400 with code 1500."""
    answer = post(session, standin, form=[("model", model)], path=recording)

    assert (answer.status_code, answer.json()["code"]) == (400, "1500")


def test_a_wrong_key_is_refused(session, standin):
    """A key the stand-in does not know gets the real service's odd 401."""
    answer = session.get(f"{standin.url}/v1/models", headers={"Authorization": "Bearer other"}, timeout=30)

    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid API Key"})


def test_other_kinds_of_audio_are_refused(session, standin, recording, tmp_path):
    """M4A is refused with 422 as an upload and with code 3310 when sent directly; so is what is no audio at all."""
    m4a = FORMATS["m4a-faststart"].write(recording, tmp_path / "a")
    fake = tmp_path / "fake.mp3"
    fake.write_bytes(b"ID3" + bytes(4000))

    uploaded = session.post(f"{standin.url}/v1/files", files={"file": ("a.m4a", m4a.read_bytes())}, timeout=30)
    sent = [post(session, standin, form=[("model", MODEL)], path=path).json()["code"] for path in (m4a, fake)]

    assert uploaded.status_code == 422
    assert sent == ["3310", "3310"]


def upload(session, standin, path):
    """Upload a file and give its id."""
    form = {"file": (path.name, path.read_bytes()), "purpose": (None, "audio")}
    return session.post(f"{standin.url}/v1/files", files=form, timeout=30).json()["id"]


def sign(session, standin, file_id):
    """Get a signed address."""
    return session.get(f"{standin.url}/v1/files/{file_id}/url", timeout=30).json()["url"]


def test_a_dead_address_is_refused(session, standin, recording):
    """An address that has expired, or whose file was deleted, cannot be fetched."""
    file_id = upload(session, standin, recording)
    expired = sign(session, standin, file_id)
    standin.expire_urls()
    deleted = sign(session, standin, file_id)
    session.delete(f"{standin.url}/v1/files/{file_id}", timeout=30)

    answers = [post(session, standin, form=[("model", MODEL), ("file_url", url)]) for url in (expired, deleted)]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(400, "3310")] * 2


def test_a_foreign_address_is_noted(session):
    """An address that the stand-in did not sign is refused and stands among the violations."""
    with Standin() as standin:
        post(session, standin, form=[("model", MODEL), ("file_url", "https://example.com/a.mp3")])

        assert standin.violations == ["file_url points to another server"]


def test_a_signed_address_reads_the_file(session, standin, recording):
    """Whoever holds a signed address reads the file without a key; a changed one reads nothing."""
    url = sign(session, standin, upload(session, standin, recording))

    assert requests.get(url, timeout=30).content == recording.read_bytes()
    assert requests.get(url[:-1] + ("0" if url[-1] != "0" else "1"), timeout=30).status_code == 403


def test_equal_bytes_may_share_an_id(session, recording):
    """With dedupe the same bytes get the same id, and one deletion ends it for both."""
    with Standin(dedupe=True) as standin:
        first, second = (upload(session, standin, recording) for _ in range(2))
        statuses = [session.delete(f"{standin.url}/v1/files/{first}", timeout=30).status_code for _ in range(2)]

        assert (first, statuses) == (second, [200, 404])


# --- the script ------------------------------------------------------------------------------------------


def test_faults_strike_in_order_and_run_out(session, standin, recording):
    """Queued faults take their turns, `nth` lets calls pass, and then the truth comes back."""
    standin.script.add(faults.Status(503), times=2)
    standin.script.add(faults.Status(429, retry_after=7))
    standin.script.add(faults.Status(500), nth=5)

    answers = [post(session, standin, form=[("model", MODEL)], path=recording) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [503, 503, 429, 200, 500, 200]
    assert answers[2].headers["Retry-After"] == "7"


def test_a_fault_may_choose_by_what_is_said(session, standin, recording, words):
    """A fault's condition may look at the form and listen to the audio."""
    standin.script.add(faults.Status(500), when=lambda call: words[3].text in {w.text for w in call.words()})
    standin.script.add(faults.Status(503), when=lambda call: call.form.get("language") == "lv", times=None)

    statuses = [
        post(session, standin, form=[("model", MODEL), ("language", language)], path=recording).status_code
        for language in ("en", "en", "lv", "lv")
    ]

    assert statuses == [500, 200, 503, 503]


@pytest.mark.parametrize(
    ("fault", "paid"),
    [
        (faults.Reset("head"), False),
        (faults.Reset("body"), False),
        (faults.ResetDuringBody(), False),
        (faults.Reset("answer"), True),
        (faults.ResetAfterBytes(), True),
        (faults.ShortBody(), True),
    ],
    ids=repr,
)
def test_a_broken_connection_reaches_the_client(fault, paid, session, standin, recording):
    """A reset or a cut connection is an error at the client, paid for only where the answer was worked out."""
    standin.script.add(fault)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        post(session, standin, form=[("model", MODEL)], path=recording)

    assert bool(standin.seconds_paid) == paid
    assert post(session, standin, form=[("model", MODEL)], path=recording).status_code == 200


def test_words_that_are_left_out_or_repeated_leave_a_whole_answer(session, standin, recording, words):
    """An answer with a hole or a loop has the other segments, and a text that is theirs."""
    form = [("model", MODEL), ("timestamp_granularities", "segment")]
    lost = words[len(words) // 2].text
    standin.script.add(faults.Hole([lost]))
    standin.script.add(faults.Loop([lost], phrase="so on", times=3))

    hole, loop, true = (post(session, standin, form=form, path=recording).json() for _ in range(3))
    (segment,) = (one["text"] for one in true["segments"] if lost in one["text"].split())

    assert true["text"] == text_of(words)
    assert hole["text"] == true["text"].replace(segment, "")
    assert loop["text"] == true["text"].replace(segment, " so on so on so on")
    assert [len(one["segments"]) - len(true["segments"]) for one in (hole, loop)] == [-1, 0]


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (faults.Html(), 200, "<!DOCTYPE"),
        (faults.EmptyObject(), 200, "{}"),
        (faults.CutJson(), 200, '{"model"'),
        (faults.SlowBody(0.1), 200, '{"model"'),
        (faults.Rewrite(lambda value: value | {"text": None}), 200, '{"model"'),
        (faults.Redirect("/v1/models"), 307, ""),
        (faults.Status(413, early=True), 413, '{"object": "error"'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_strange_answer_reaches_the_client(fault, status, body, session, standin, recording):
    """Pages, cut and slow answers, redirects and early refusals arrive as they were ordered."""
    standin.script.add(fault, match=TRANSCRIBE)

    answer = session.post(
        standin.url + PATH,
        files={"model": (None, MODEL), "file": ("a.mp3", recording.read_bytes())},
        allow_redirects=False,
        timeout=30,
    )

    assert (answer.status_code, answer.text[: len(body)]) == (status, body)


def test_a_forgotten_upload_is_never_found(session, standin, recording):
    """The next upload succeeds and can be signed, but its transcription is 404; the one after it works."""
    standin.script.forget_uploads(1)

    statuses = [
        post(
            session,
            standin,
            form=[("model", MODEL), ("file_url", sign(session, standin, upload(session, standin, recording)))],
        ).status_code
        for _ in range(2)
    ]

    assert statuses == [404, 200]


def test_a_hanging_call_goes_on_when_released(session, standin, recording, wait_until):
    """A call that hangs counts as open until the script lets it go; then it is answered."""
    standin.script.add(faults.Hang())
    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(post(session, standin, form=[("model", MODEL)], path=recording))
    )
    caller.start()
    wait_until(lambda: standin.script.hanging == 1, what="the call")
    silent = not answers
    standin.script.release()
    caller.join()

    assert (silent, answers[0].status_code) == (True, 200)


def test_closing_ends_what_hangs(recording, wait_until):
    """Closing the stand-in ends hanging calls, slow answers and idle connections at once."""
    with Standin(latency=(600, 0)) as standin, requests.Session() as session:
        session.headers["Authorization"] = "Bearer test-key"
        session.get(f"{standin.url}/v1/models", timeout=30)
        standin.script.add(faults.Hang(), match=MODELS)
        callers = [
            threading.Thread(target=_call_and_fail, args=(f"{standin.url}/v1/models", None)),
            threading.Thread(target=_call_and_fail, args=(standin.url + PATH, recording)),
        ]
        for caller in callers:
            caller.start()
        wait_until(lambda: standin.max_in_flight == 2, what="both calls")
        started_s = time.monotonic()
        standin.close()
        for caller in callers:
            caller.join()

    assert time.monotonic() - started_s < 5


def _call_and_fail(url, path):
    headers = {"Authorization": "Bearer test-key"}
    try:
        if path is None:
            requests.get(url, headers=headers, timeout=60)
        else:
            form = {"model": (None, MODEL), "file": ("a.mp3", path.read_bytes())}
            requests.post(url, headers=headers, files=form, timeout=60)
    except requests.ConnectionError:
        return


# --- load ------------------------------------------------------------------------------------------------


def test_many_clients_at_once(recording):
    """64 clients with 640 requests are all served, counted and forgotten: no thread and no socket stays."""
    gc.collect()  # what an earlier test left to the collector must not go in between
    me = psutil.Process()
    before = (threading.active_count(), me.num_fds())

    def visit(_):
        with requests.Session() as session:
            session.headers["Authorization"] = "Bearer test-key"
            return [session.get(f"{standin.url}/v1/models", timeout=60).status_code for _ in range(9)] + [
                post(session, standin, form=[("model", MODEL)], path=recording).status_code
            ]

    with Standin() as standin, ThreadPoolExecutor(64) as pool:
        statuses = [status for statuses in pool.map(visit, range(64)) for status in statuses]
        requests_seen, digests, violations = len(standin.requests), len(standin.paid), standin.violations

    assert (set(statuses), requests_seen, digests, violations) == ({200}, 640, 1, [])
    assert (threading.active_count(), me.num_fds()) == before


def test_more_than_the_cap_is_told_to_wait(recording, wait_until):
    """Above the concurrency cap a transcription gets 429 with Retry-After."""
    with Standin(concurrency_cap=1) as standin, requests.Session() as session, ThreadPoolExecutor(2) as pool:
        session.headers["Authorization"] = "Bearer test-key"
        standin.script.add(faults.Hang())
        held = pool.submit(post, session, standin, form=[("model", MODEL)], path=recording)
        wait_until(lambda: standin.script.hanging == 1, what="the first call")
        refused = post(session, standin, form=[("model", MODEL)], path=recording)
        standin.script.release()

        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert held.result().status_code == 200


def test_latency_counts_audio(session, recording):
    """A transcription takes the base latency and its share for each second of audio."""
    with Standin(latency=(0.1, 0.01)) as standin:
        post(session, standin, form=[("model", MODEL)], path=recording)
        call = standin.requests[0]

    assert call.ended_s - call.started_s >= 0.1 + SECONDS * 0.01


def test_broken_words_are_shown(session, standin, words, tmp_path):
    """A recording that ends in the middle of a word says so in its text."""
    cut_ms = words[5].start_ms + 150
    wav = write_wav(tmp_path / "cut.wav", speak(words, cut_ms))

    answer = post(session, standin, form=[("model", MODEL)], path=wav).json()

    assert answer["text"] == f"{text_of(words[:5])} {BROKEN}"


# --- a process of its own --------------------------------------------------------------------------------


def test_it_runs_in_a_process_of_its_own(session, recording, tmp_path, wait_until):
    """Started as a program it writes its port, takes a script as JSON, tells its counters and ends on SIGTERM."""
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "tests.standin", "--latency", "0+0.001", "--port-file", str(port_file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_until(port_file.exists, what="the port file")
        url = f"http://127.0.0.1:{port_file.read_text()}"
        orders = {"faults": [{"reply": {"kind": "Status", "status": 503}, "match": list(UPLOAD)}]}
        ordered = session.post(f"{url}/_standin/script", data=json.dumps(orders), timeout=30)
        statuses = [
            session.post(f"{url}/v1/files", files={"file": ("a.mp3", recording.read_bytes())}, timeout=30).status_code
            for _ in range(2)
        ]
        stats = session.get(f"{url}/_standin/stats", timeout=30).json()
        seen = session.get(f"{url}/_standin/requests", timeout=30).json()
        process.terminate()
        code = process.wait(timeout=30)

    assert (ordered.status_code, statuses, code) == (200, [503, 200], 0)
    assert [request["status"] for request in seen] == [503, 200]
    assert (stats["requests"], len(stats["files"]), stats["violations"]) == (2, 1, [])


def test_a_broken_upload_leaves_nothing(session):
    """A form whose end is missing is refused and noted, and no part of it stays on disk."""
    with Standin() as standin:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\nID3'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = session.post(f"{standin.url}/v1/files", data=head, headers=kind, timeout=30)

        assert (answer.status_code, len(standin.violations), list(standin.folder.iterdir())) == (422, 1, [])


def test_calls_are_told_apart(session, standin, recording):
    """Recorded requests can be asked for by kind, with what was sent."""
    sign(session, standin, upload(session, standin, recording))

    assert [request.filename for request in standin.calls(UPLOAD)] == [recording.name]
    assert [request.status for request in standin.calls(SIGN)] == [200]
    assert standin.calls(UPLOAD)[0].values("purpose") == ("audio",)
    assert standin.calls(TRANSCRIBE) == ()


def test_what_was_heard_outlives_the_ears(recording, words, tmp_path):
    """With a memory, what one stand-in has heard the next one knows without decoding it."""
    Ears(memory=tmp_path).listen(recording, "digest")

    heard = Ears(memory=tmp_path).listen(tmp_path / "gone", "digest")

    assert [word.text for word in heard.words] == [word.text for word in words]
