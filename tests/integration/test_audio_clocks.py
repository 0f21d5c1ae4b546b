"""Recordings whose sound and whose timestamps are of two minds."""

from __future__ import annotations

import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import hear_file, run_ffmpeg, texts, worst_shift_ms
from tests.sound.speech import PlacedWord, compose, speak, write_wav
from voxtrald.audio.prepare import encode_chunk
from voxtrald.audio.probe import probe
from voxtrald.transcript.model import Span

LENGTH_MS = 120_000
WORDS = compose(LENGTH_MS, seed=21)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Make what a browser records, with right timestamps."""
    folder = tmp_path_factory.mktemp("clocks")
    wav = write_wav(folder / "a.wav", speak(WORDS, LENGTH_MS))
    run_ffmpeg("-i", wav, "-c:a", "libopus", "-application", "lowdelay", "-b:a", "32k", folder / "a.webm")
    return folder / "a.webm"


def heard_with(recorded, folder, *, timestamps):
    """Change the timestamps, and hear what an encoded chunk of all of it holds."""
    path = folder / "b.webm"
    run_ffmpeg("-i", recorded, "-c", "copy", "-bsf:a", f"setts=ts='{timestamps}'", path)
    ffmpeg = new_ffmpeg()
    chunk = encode_chunk(
        probe(path, ffmpeg=ffmpeg),
        Span(start_ms=0, end_ms=LENGTH_MS + 1_000),
        target=folder / "0.mp3",
        is_last=True,
        bitrate_kbps=48,
        sample_rate_hz=16_000,
        ffmpeg=ffmpeg,
    )
    return hear_file(chunk.path, offset_ms=chunk.offset_ms)


@pytest.mark.parametrize("pace", [1.001, 0.999])
def test_the_files_times_count_where_clocks_drift_apart(recorded, tmp_path, pace):
    """A sound card that is a thousandth too fast or too slow costs no word, and moves none by more than 15 ms."""
    heard = heard_with(recorded, tmp_path, timestamps=f"TS*{pace}")

    told = [PlacedWord(text=word.text, start_ms=round(word.start_ms * pace), end_ms=word.end_ms) for word in WORDS]
    assert texts(heard) == texts(WORDS)
    assert worst_shift_ms(heard, told) <= 15


def test_packets_that_come_a_little_early_or_late_do_no_harm(recorded, tmp_path):
    """Timestamps that are off by up to 9 ms, this way and that, cost no word."""
    heard = heard_with(recorded, tmp_path, timestamps="TS+(mod(N*7,19)-9)*0.001/TB")

    assert texts(heard) == texts(WORDS)
    assert worst_shift_ms(heard, WORDS) <= 20
