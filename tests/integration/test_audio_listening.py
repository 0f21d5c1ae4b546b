"""The sound of a recording in pieces: decoded once, alone or while it is encoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import TALK_MS, WORDS, hear_file, run_ffmpeg, spans_at_pauses, texts, write_talk
from tests.sound.hearing import hear
from voxtrald.audio import commands
from voxtrald.audio.ffmpeg import Bounds
from voxtrald.audio.listening import listen, whole_samples
from voxtrald.audio.measuring import find_layout
from voxtrald.audio.probe import probe
from voxtrald.audio.speech import Meter, find_speech
from voxtrald.errors import RecordingChanged, StopRequested
from voxtrald.stopping import Stop
from voxtrald.transcript.model import Span

RATE_HZ = commands.HEARD_RATE_HZ
FORMATS = [
    ("a.mp3", (), 30),
    ("a.m4a", ("-c:a", "aac"), 10),
    ("a.wav", (), 5),
    ("a.opus", ("-c:a", "libopus"), 10),
]


def heard(source, *, ffmpeg, span=None):
    """All samples of a recording or a span of it."""
    pieces = []
    listen(source, ffmpeg=ffmpeg, feed=pieces.append, span=span)
    return np.frombuffer(b"".join(pieces), "<i2")


@pytest.mark.parametrize(("name", "options", "tolerance_ms"), FORMATS)
def test_every_word_is_heard_at_its_time(tmp_path, name, options, tolerance_ms):
    """Whatever the codec, the samples begin where the recording does and have all of its words."""
    ffmpeg = new_ffmpeg()
    sound = heard(probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg), ffmpeg=ffmpeg)

    found = hear(sound, RATE_HZ)

    assert texts(found) == texts(WORDS)
    assert max(abs(one.start_ms - word.start_ms) for one, word in zip(found, WORDS, strict=True)) <= tolerance_ms + 15
    assert abs(len(sound) * 1000 // RATE_HZ - TALK_MS) < 150


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.flac"])
def test_a_chunk_is_heard_while_it_is_encoded(tmp_path, name):
    """One decoding gives the file that is sent and, sample by sample, the sound that `hear` gives of the same span."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / name), ffmpeg=ffmpeg)
    span = spans_at_pauses()[1]
    target = tmp_path / "chunk.mp3"
    place = {"container": source.container, "stream_index": source.stream_index, "span": span, "target": target}
    command = commands.encode_aloud(source.path, **place, target_format="mp3", bitrate_kbps=48, sample_rate_hz=16_000)
    pieces = []
    finished = ffmpeg.feed(
        command, source=source.path, bounds=Bounds(timeout_s=60, stdout_bytes=1 << 24), feed=pieces.append
    )
    aloud = np.frombuffer(b"".join(pieces), "<i2")

    assert (finished.returncode, finished.complaint) == (0, "")
    words = [word.text for word in WORDS if span.start_ms <= word.start_ms and word.end_ms <= span.end_ms]
    assert texts(hear_file(target)) == words
    assert texts(hear(aloud, RATE_HZ)) == words
    assert abs(len(aloud) * 1000 // RATE_HZ - span.length_ms) <= 60


def test_a_map_of_a_recording_shows_its_words(tmp_path):
    """From the file to the map: every word may be speech, and most of them surely are."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a", "-c:a", "aac"), ffmpeg=ffmpeg)
    meter = Meter()
    listen(source, ffmpeg=ffmpeg, feed=meter.feed_bytes)

    speech = find_speech([meter.profile()], duration_ms=TALK_MS)

    assert sum(span.length_ms for span in speech.surely) > 0.7 * TALK_MS


def test_a_hole_in_the_timestamps_is_silence(tmp_path):
    """What comes after a pause of the recorder comes at its time."""
    ffmpeg = new_ffmpeg()
    whole = write_talk(tmp_path / "whole.mka", "-c:a", "aac")
    run_ffmpeg("-i", whole, "-c", "copy", "-bsf:a", "noise=drop='between(pts*tb,8,12)'", tmp_path / "a.mka")
    source = probe(tmp_path / "a.mka", ffmpeg=ffmpeg)

    found = {word.text: word.start_ms for word in hear(heard(source, ffmpeg=ffmpeg), RATE_HZ)}

    after = [word for word in WORDS if word.start_ms > 12_500]
    assert not any(8_100 < at_ms < 11_500 for at_ms in found.values())
    assert max(abs(found[word.text] - word.start_ms) for word in after) <= 60


def test_a_stop_is_heard_while_listening(tmp_path):
    """Whoever listens to a day of sound can be stopped."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.wav"), ffmpeg=ffmpeg)

    def stop(_piece):
        raise StopRequested("enough")

    with pytest.raises(StopRequested, match="enough"):
        listen(source, ffmpeg=ffmpeg, feed=stop)


def test_a_recording_that_vanished_is_no_silence(tmp_path):
    """A file that is gone is told, and not taken for one without sound."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.wav"), ffmpeg=ffmpeg)
    source.path.unlink()

    with pytest.raises(RecordingChanged):
        listen(source, ffmpeg=ffmpeg, feed=lambda _: None)


@given(st.binary(max_size=40).map(lambda sound: sound[: len(sound) // 2 * 2]), st.lists(st.integers(0, 7)))
def test_samples_are_never_split(sound, cuts):
    """Pieces of odd lengths come out as whole samples, with nothing lost."""
    taken = []
    take = whole_samples(taken.append)
    rest = sound
    for cut in cuts:
        take(rest[:cut])
        rest = rest[cut:]
    take(rest)

    assert b"".join(taken) == sound
    assert all(piece and len(piece) % 2 == 0 for piece in taken)


def test_a_span_is_heard_from_its_start():
    """Nothing before a span is decoded, but for the lead-in of an mp3, which is thrown away again."""
    span = Span(start_ms=1_500, end_ms=4_000)
    plain = commands.hear(Path("/in/a.m4a"), container="mov", stream_index=0, span=span).arguments
    built = commands.hear(Path("/in/a.mp3"), container="mp3", stream_index=0, span=span).arguments

    assert plain[plain.index("-ss") : plain.index("-ss") + 4] == ("-ss", "1.500", "-t", "2.500")
    assert built[built.index("-ss") : built.index("-ss") + 4] == ("-ss", "1.200", "-t", "2.800")
    assert built[built.index("-ss", built.index("-i")) + 1] == "0.300000"


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.wav"])
def test_pieces_join_without_a_seam(tmp_path, name):
    """A recording that is heard in pieces has every word at its place; an mp3 is entered at a frame."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / name), ffmpeg=ffmpeg)
    source = replace(source, layout=find_layout(source, stop=Stop()))
    middle_ms = 14_370
    halves = [
        heard(source, ffmpeg=ffmpeg, span=Span(start_ms=start_ms, end_ms=end_ms))
        for start_ms, end_ms in ((0, middle_ms), (middle_ms, TALK_MS))
    ]

    whole = heard(source, ffmpeg=ffmpeg)
    joined = np.concatenate(halves)

    assert abs(len(halves[0]) - middle_ms * RATE_HZ // 1000) <= 1
    assert abs(len(joined) - len(whole)) <= RATE_HZ // 20
    assert texts(hear(joined, RATE_HZ)) == texts(WORDS)
