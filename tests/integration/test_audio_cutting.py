"""Where real recordings are cut."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import TALK_MS, WORDS, write_talk
from tests.sound.speech import RATE, place, speak, write_wav
from tests.sound.vocabulary import word_of
from voxtrald.audio.measuring import find_layout
from voxtrald.audio.probe import probe
from voxtrald.audio.quiet import decode_window, find_cut
from voxtrald.errors import RecordingChanged
from voxtrald.transcript.model import Cut, Span

WINDOW = Span(start_ms=8_000, end_ms=20_000)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ()),
        ("a.m4a", ()),
        ("a.ogg", ("-c:a", "libvorbis")),
        ("a.amr", ("-ac", "1", "-ar", "8000", "-c:a", "libopencore_amrnb")),
    ],
)
def test_cuts_lie_between_words(tmp_path, name, options):
    """In any format the cut is inside the window, in a pause."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg)

    cut = find_cut(source, window=WINDOW, ffmpeg=ffmpeg)

    assert cut.quiet
    assert WINDOW.start_ms <= cut.at_ms <= WINDOW.end_ms
    assert not [word for word in WORDS if word.start_ms < cut.at_ms < word.end_ms]


def test_a_recording_without_a_pause_is_told_as_such(tmp_path):
    """Where a hum never stops, the cut is not quiet and the chunks will overlap."""
    path = write_wav(tmp_path / "a.wav", speak(WORDS, TALK_MS, never_quiet=True), RATE)
    ffmpeg = new_ffmpeg()

    assert not find_cut(probe(path, ffmpeg=ffmpeg), window=WINDOW, ffmpeg=ffmpeg).quiet


def test_where_there_is_no_sound_the_windows_end_is_quiet(tmp_path):
    """A window behind the end, or in a hole, can be cut anywhere."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)
    window = Span(start_ms=TALK_MS + 1_000, end_ms=TALK_MS + 9_000)

    assert find_cut(source, window=window, ffmpeg=ffmpeg) == Cut(at_ms=window.end_ms, quiet=True)


def test_a_window_that_ends_in_a_hole_is_cut_in_the_hole(tmp_path):
    """Where the sound stops before the window does, its end is quieter than anything before it."""
    words = [place(word_of(index), 300 + 340 * index) for index in range(14)]
    wav = write_wav(tmp_path / "a.wav", speak(words, 5_000), RATE)
    ffmpeg = new_ffmpeg()

    cut = find_cut(probe(wav, ffmpeg=ffmpeg), window=Span(start_ms=2_000, end_ms=9_000), ffmpeg=ffmpeg)

    assert cut == Cut(at_ms=9_000, quiet=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ("-b:a", "128k")),
        ("a.mp3", ("-q:a", "4", "-write_xing", "0")),
        ("a.mp3", ("-ac", "1", "-ar", "16000", "-b:a", "32k")),
        ("a.wav", ("-ac", "2")),
        ("a.wav", ("-ac", "1", "-ar", "22050")),
    ],
)
def test_the_same_sound_is_found_without_a_search(tmp_path, name, options):
    """Entered at a frame, or read as samples, a window holds to the millisecond what a search for it gives."""
    ffmpeg, window = new_ffmpeg(), Span(start_ms=15_000, end_ms=17_000)
    source = probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg)
    laid_out = replace(source, layout=find_layout(source, stop=threading.Event()))

    sought, entered = (decode_window(each, window=window, ffmpeg=ffmpeg) for each in (source, laid_out))
    if entered.frame_rate != sought.frame_rate:
        entered = entered.set_frame_rate(sought.frame_rate)
    one, other = (np.frombuffer(sound.raw_data, "<i2")[4_000:30_000] for sound in (sought, entered))

    assert laid_out.layout is not None
    assert len(entered) == pytest.approx(2_000, abs=1)
    assert max(np.corrcoef(one[16:-16], np.roll(other, lag)[16:-16])[0, 1] for lag in range(-16, 17)) > 0.99
    assert find_cut(laid_out, window=WINDOW, ffmpeg=ffmpeg).at_ms == pytest.approx(
        find_cut(source, window=WINDOW, ffmpeg=ffmpeg).at_ms, abs=10
    )


def test_only_the_window_is_decoded(tmp_path):
    """The samples are exactly those of the window."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.wav", rate=RATE), ffmpeg=ffmpeg)

    sound = decode_window(source, window=Span(start_ms=5_000, end_ms=7_500), ffmpeg=ffmpeg)

    expected = speak(WORDS, TALK_MS)[5 * RATE : 7 * RATE + RATE // 2]
    assert np.array_equal(expected, np.frombuffer(sound.raw_data, "<i2"))


def test_a_recording_that_vanished_is_not_at_fault(tmp_path):
    """A file moved away is looked for again."""
    ffmpeg = new_ffmpeg()
    source = probe(write_talk(tmp_path / "a.m4a"), ffmpeg=ffmpeg)
    source.path.unlink()

    with pytest.raises(RecordingChanged):
        find_cut(source, window=WINDOW, ffmpeg=ffmpeg)
