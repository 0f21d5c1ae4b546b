"""What is heard of a recording, by whichever way its chunks go: everything once, and one map."""

from __future__ import annotations

import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from tests.integration.audio_files import TALK_MS, WORDS, run_ffmpeg, write_talk
from tests.integration.prepared import SOON_S, workshop
from tests.sound.speech import compose, speak, write_wav
from voxtrald.config.sections import ChunkSettings
from voxtrald.errors import Reason, RecordingChanged, RecordingError, StopRequested
from voxtrald.pipeline import hearing
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.coverage import LEAD_MS, TRAIL_MS
from voxtrald.transcript.model import Answer, Span
from voxtrald.transcript.spans import length_within, union

WHOLE = ChunkSettings(max_minutes=1, first_minutes=1, search_s=1, overlap_s=0)
COARSE = ChunkSettings(max_minutes=0.25, first_minutes=0.15, search_s=1, overlap_s=0)
NOTHING = Answer(text="")
COPYABLE = {"a.mp3": ("-b:a", "96k"), "a.wav": (), "a.m4a": ()}


@cache
def talk_as(suffix, *options):
    """Make the talk in a format, once for all tests of this process, and give the file's content."""
    with tempfile.TemporaryDirectory() as folder:
        return write_talk(Path(folder) / f"talk{suffix}", *options, rate=16_000).read_bytes()


def talk(path, *options):
    """Write the talk in the format of a name."""
    path.write_bytes(talk_as(path.suffix, *options))


@pytest.fixture
def preparing(tmp_path):
    """Give a function that prepares a recording, and listens."""
    with workshop(tmp_path) as start:
        yield partial(start, chunks=COARSE, write=talk)


@pytest.fixture
def listened(monkeypatch):
    """The spans that were decoded only to be listened to."""
    spans, listen = [], hearing.listen

    def note(source, **how):
        spans.append(how["span"])
        return listen(source, **how)

    monkeypatch.setattr(hearing, "listen", note)
    return spans


def keep(bench, spans):
    """Keep answers for spans."""
    for span in spans:
        key = bench.preparation.key_of(span)
        kept = KeptAnswer(answer=NOTHING, offset_ms=span.start_ms, duration_ms=span.length_ms, how="encoded")
        bench.results.keep(key, kept)


def difference_ms(one, other):
    """Say for how long two maps differ."""
    frames = [np.zeros(TALK_MS + 1_000, np.int8) for _ in range(4)]
    for marked, spans in zip(frames, (one.maybe, other.maybe, one.surely, other.surely), strict=True):
        for span in spans:
            marked[span.start_ms : span.end_ms] = 1
    return max(int((frames[0] != frames[1]).sum()), int((frames[2] != frames[3]).sum()))


def assert_has_words(speech, words=WORDS):
    """Every word may be speech."""
    spans = [Span(start_ms=word.start_ms, end_ms=word.end_ms) for word in words]
    assert [span for span in spans if length_within(speech.maybe, span) < span.length_ms - 20] == []
    assert sum(span.length_ms for span in speech.surely) > 0


def test_what_is_encoded_is_not_decoded_again(preparing, listened):
    """The map of a recording whose chunks were all encoded is there without another look at the file."""
    bench = preparing("a.m4a")
    bench.run()

    speech = bench.speech()

    assert listened == []
    assert_has_words(speech)
    assert abs(speech.duration_ms - TALK_MS) < 100


@pytest.mark.parametrize(("name", "chunks"), [("a.wav", WHOLE), ("a.mp3", WHOLE), ("a.mp3", COARSE), ("a.wav", COARSE)])
def test_what_is_sent_as_it_is_is_listened_to(preparing, listened, name, chunks):
    """Whole or copied, nothing decodes the recording for another purpose; its map is that of an encoded one."""
    bench = preparing(name, *COPYABLE[name], chunks=chunks, copy="always")
    encoded = preparing("b.m4a")
    bench.run()
    encoded.run()

    speech = bench.speech()

    assert union(listened)[-1].end_ms >= TALK_MS - 100
    assert_has_words(speech)
    # A pause that is about as long as one may be within speech is one in this map and none in the other.
    assert difference_ms(speech, encoded.speech()) <= 1_000


@pytest.mark.parametrize(("name", "copy"), [("a.m4a", "auto"), ("a.mp3", "always")])
def test_a_recording_that_was_begun_gets_the_same_map(preparing, listened, name, copy):
    """Of which half of the answers are kept, that half is listened to and the other one heard on the way."""
    first = preparing(name, *COPYABLE[name], copy=copy)
    spans, _ = first.run()
    keep(first, spans[::2])
    second = preparing(name, copy=copy)
    anew = second.hear_anew()

    second.run()
    speech = second.speech()

    assert second.reused == list(range(0, len(spans), 2))
    heard = union(listened)
    assert heard == (tuple(spans[::2]) if copy == "auto" else (Span(start_ms=0, end_ms=second.plan.duration_ms),))
    assert_has_words(speech)
    assert anew.speech(sha256=second.sha256, duration_ms=second.plan.duration_ms) == speech
    assert difference_ms(speech, first.speech()) <= 150


def test_a_map_is_made_once(preparing, listened):
    """Where the map is kept, nothing is decoded: not by who reuses every answer, nor by who sends all of it anew."""
    first = preparing("a.wav", chunks=WHOLE)
    first.run()
    speech = first.speech()
    count = len(listened)
    again = preparing("a.wav", chunks=WHOLE)
    again.run()

    assert again.speech() == speech
    assert len(listened) == count == 1


def test_another_track_has_another_map(preparing, tmp_path):
    """A map is kept for the track that was heard."""

    def two_tracks(path):
        wavs = [write_wav(tmp_path / f"{seed}.wav", speak(compose(4_000, seed=seed), 4_000 * seed)) for seed in (1, 2)]
        run_ffmpeg("-i", wavs[0], "-i", wavs[1], "-map", "0", "-map", "1", "-c", "flac", path)

    first = preparing("a.mka", write=two_tracks, chunks=WHOLE)
    first.run()
    first.speech()

    assert first.results.find_speech(first.sha256, {}) is not None
    assert first.results.find_speech(first.sha256, {"track": 2}) is None


def test_what_cannot_be_listened_to_has_no_map(preparing, monkeypatch):
    """A recording that fails to be listened to is told in the log; no map is made up and none is kept."""

    def fail(_source, **_how):
        raise RecordingError(Reason.UNREADABLE, "stuck", hint="")

    monkeypatch.setattr(hearing, "listen", fail)
    bench = preparing("a.wav", chunks=WHOLE)
    with capture_logs() as log:
        bench.run()
        speech = bench.speech()

    assert speech is None
    assert [entry["event"] for entry in log] == ["listening_failed"]
    assert bench.results.find_speech(bench.sha256, {}) is None


def test_a_file_that_changed_has_no_map(preparing):
    """What was heard of a file that is another one by now is not kept under the old content's name."""
    bench = preparing("a.wav", chunks=WHOLE)
    bench.run()
    bench.preparation.assignment.path.write_bytes(b"another")

    with pytest.raises(RecordingChanged):
        bench.speech()

    assert bench.results.find_speech(bench.sha256, {}) is None


def test_listening_ends_when_nobody_wants_it(preparing, monkeypatch):
    """Whoever leaves is not kept waiting by what is listened to for nobody."""
    bench, listen = preparing("a.wav", chunks=WHOLE), hearing.listen

    def linger(source, **how):
        bench.hearing._unwanted.wait(SOON_S)
        return listen(source, **how)

    monkeypatch.setattr(hearing, "listen", linger)
    with bench.hearing:
        bench.run()

    with pytest.raises(StopRequested):
        bench.speech()


def test_listening_ends_when_preparing_does(preparing):
    """A map that a preparation waits for is given up with it."""

    def heed():
        raise StopRequested("enough")

    bench = preparing("a.wav", chunks=WHOLE)

    with pytest.raises(StopRequested, match="enough"):
        bench.hearing.speech(sha256=bench.sha256, duration_ms=TALK_MS, heed=heed)


def test_a_map_can_outlast_a_power_cut(preparing):
    """Before something is paid that follows from a map, it is written durably, and stays the same."""
    bench = preparing("a.wav", chunks=WHOLE)
    bench.run()
    speech = bench.speech()
    bench.hearing.keep_durably(sha256=bench.sha256)

    assert bench.results.find_speech(bench.sha256, {}) == speech


def test_damage_that_is_heard_is_told(preparing):
    """The decoder's complaint about a recording that was sent as it is stands in the log."""

    def spoil(content):
        half = len(content) // 2
        return content[:half] + b"\xff\x00rubbish" * 60 + content[half:]

    bench = preparing("a.mp3", chunks=WHOLE, spoil=spoil)
    with capture_logs() as log:
        bench.run()
        bench.speech()

    assert "damage_heard" in [entry["event"] for entry in log]


# --- silences left out ------------------------------------------------------------------------------------------------


def with_silence(path, *options, rate=16_000):
    """Write the first five seconds of the talk, a noisy room for 15 s, and the rest of the talk."""
    rng = np.random.default_rng(5)
    words = [word for word in WORDS if word.end_ms < 5_000]
    later = compose(20_000, seed=3, start_index=500)
    sound = np.concatenate([speak(words, 20_000, rate), speak(later, 20_000, rate)])
    room = rng.normal(0, 12, len(sound))
    wav = write_wav(path.with_suffix(".source"), np.clip(sound + room, -32768, 32767).astype(np.int16), rate)
    run_ffmpeg("-i", wav, *options, path)


@pytest.mark.parametrize(("name", "copy"), [("a.m4a", "auto"), ("a.mp3", "always"), ("a.wav", "always")])
def test_long_silences_are_in_no_chunk(preparing, listened, name, copy):
    """Chunks lie on either side of a long silence, none is too long, and all words are within them."""
    bench = preparing(name, write=with_silence, copy=copy, skip_silence_over_s=5.0)
    spans, chunks = bench.run()

    (skipped,) = bench.plan.skipped
    last_ms = max(word.end_ms for word in WORDS if word.end_ms < 5_000)
    assert last_ms <= skipped.start_ms - TRAIL_MS <= last_ms + 1_500
    assert 20_300 - 1_500 <= skipped.end_ms + LEAD_MS <= 20_300
    end_ms = bench.plan.duration_ms
    assert union(spans) == (Span(start_ms=0, end_ms=skipped.start_ms), Span(start_ms=skipped.end_ms, end_ms=end_ms))
    assert all(span.length_ms <= bench.preparation.assignment.limits.max_ms for span in spans)
    assert [index for index, _ in chunks] == list(range(len(spans)))
    assert sum(chunk.duration_ms for _, chunk in chunks) == pytest.approx(40_000 - skipped.length_ms, abs=300)
    assert len(listened) == 1


def test_a_plan_without_silences_is_kept(preparing, listened):
    """A second run listens to nothing and has the same plan; who leaves nothing out has another one."""
    first = preparing("a.m4a", write=with_silence, skip_silence_over_s=5.0)
    first.run()
    again = preparing("a.m4a", skip_silence_over_s=5.0)
    again.run()
    everything = preparing("a.m4a")
    everything.run()

    assert again.plan == first.plan
    assert len(listened) == 1
    assert everything.plan.skipped == ()
    assert union(everything.plan.spans) == (Span(start_ms=0, end_ms=everything.plan.duration_ms),)


def test_a_recording_without_long_silences_goes_its_usual_way(preparing):
    """Where nothing is to be left out, the plan is the usual one."""
    usual, _ = preparing("a.m4a").run()
    spared = preparing("a.m4a", skip_silence_over_s=5.0)
    spared.run()

    assert spared.plan.spans == usual
    assert spared.plan.skipped == ()


def test_an_empty_room_is_not_asked_about(preparing):
    """A recording in which nobody speaks has a plan without a chunk, and all of it is skipped."""

    def room(path):
        sound = np.random.default_rng(1).normal(0, 20, 16_000 * 20).astype(np.int16)
        run_ffmpeg("-i", write_wav(path.with_suffix(".source"), sound), path)

    bench = preparing("a.m4a", write=room, skip_silence_over_s=5.0)
    spans, chunks = bench.run()

    assert (spans, chunks) == ((), [])
    assert bench.plan.skipped == (Span(start_ms=0, end_ms=bench.plan.duration_ms),)


def test_who_cannot_listen_leaves_nothing_out(preparing, monkeypatch):
    """Without a map everything is sent."""

    def fail(_source, **_how):
        raise RecordingError(Reason.UNREADABLE, "stuck", hint="")

    monkeypatch.setattr(hearing, "listen", fail)
    bench = preparing("a.m4a", write=with_silence, skip_silence_over_s=5.0)
    spans, _ = bench.run()

    assert union(spans) == (Span(start_ms=0, end_ms=bench.plan.duration_ms),)
