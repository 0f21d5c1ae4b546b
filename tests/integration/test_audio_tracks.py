"""Files with several tracks, and files whose own clock cannot be followed, by what is heard in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import hear_file, run_ffmpeg, texts, worst_shift_ms
from tests.sound.speech import RATE, place, speak, write_wav
from tests.sound.vocabulary import word_of
from voxtrald.audio.probe import probe
from voxtrald.audio.recasting import recast
from voxtrald.errors import Reason, RecordingError, StorageUnavailable

GUEST = [place(word_of(100 + number), 500 + 700 * number) for number in range(4)]
HOST = [place(word_of(200 + number), 4_500 + 700 * number) for number in range(4)]
LENGTH_MS = 8_000


@pytest.fixture(scope="module")
def podcast(tmp_path_factory):
    """Make a file with a silent track, the guest's, and the host's, which is shorter and the default one."""
    folder = tmp_path_factory.mktemp("tracks")
    tracks = ([], GUEST, HOST)
    wavs = [write_wav(folder / f"{number}.wav", speak(words, LENGTH_MS)) for number, words in enumerate(tracks)]
    inputs = [argument for wav in wavs for argument in ("-i", wav)]
    mapping = [argument for number in range(3) for argument in ("-map", f"{number}:a")]
    path = folder / "podcast.mkv"
    run_ffmpeg(*inputs, *mapping, "-c:a", "flac", "-disposition:a", "0", "-disposition:a:2", "default", path)
    return path


def whole(path, *, work, track="default"):
    """Probe a file and decode it once, at most a minute."""
    ffmpeg = new_ffmpeg()
    source = probe(path, ffmpeg=ffmpeg, track=track)
    return recast(source, work=work, sample_rate_hz=RATE, longest_ms=60_000, ffmpeg=ffmpeg)


@pytest.mark.parametrize(("track", "number", "stream"), [("default", 3, 2), (1, 1, 0), (2, 2, 1)])
def test_a_track_is_found_by_its_number(podcast, track, number, stream):
    """The default track or a numbered one is the stream that is heard, among as many as there are."""
    source = probe(podcast, ffmpeg=new_ffmpeg(), track=track)

    assert (source.track, source.stream_index, source.tracks) == (number, stream, (0, 1, 2))
    assert source.is_default_track == (number == 3)


def test_a_mix_holds_every_word_of_every_track(podcast, tmp_path):
    """Mixed tracks lose nothing, and each word is at its time."""
    mixed = whole(podcast, work=tmp_path, track="mix")

    heard = hear_file(mixed.path)
    assert texts(heard) == texts([*GUEST, *HOST])
    assert worst_shift_ms(heard, [*GUEST, *HOST]) <= 5
    assert (mixed.container, mixed.stream_index, mixed.duration_ms) == ("flac", 0, LENGTH_MS)


def test_one_track_of_a_good_file_is_left_where_it_is(podcast, tmp_path):
    """Nothing is decoded twice without need."""
    source = probe(podcast, ffmpeg=new_ffmpeg(), track=2)

    assert whole(podcast, work=tmp_path, track=2) == source
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_parts_is_one_recording(tmp_path):
    """Where the clock begins anew in the middle, what is behind it follows what is before it."""
    parts = []
    for number, words in enumerate((GUEST, HOST)):
        wav = write_wav(tmp_path / f"{number}.wav", speak(words, LENGTH_MS))
        parts.append(tmp_path / f"{number}.ts")
        run_ffmpeg("-i", wav, "-ar", "48000", "-c:a", "mp2", parts[-1])
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))

    joined = whole(path, work=tmp_path)

    later = [replace(word, start_ms=word.start_ms + LENGTH_MS, end_ms=word.end_ms + LENGTH_MS) for word in HOST]
    heard = hear_file(joined.path)
    assert texts(heard) == texts([*GUEST, *later])
    assert worst_shift_ms(heard, [*GUEST, *later]) <= 50


def test_what_is_longer_than_allowed_is_seen_to_be(tmp_path):
    """Decoding stops a little behind the longest length, so that the recording is still found too long."""
    ffmpeg = new_ffmpeg()
    silence = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", "30")
    run_ffmpeg(*silence, "-c:a", "mp2", tmp_path / "long.ts")
    source = probe(tmp_path / "long.ts", ffmpeg=ffmpeg)

    cut_off = recast(source, work=tmp_path, sample_rate_hz=RATE, longest_ms=5_000, ffmpeg=ffmpeg)

    assert cut_off.duration_ms == pytest.approx(15_000, abs=100)


def test_a_wrong_number_is_refused_before_anything_is_decoded(podcast):
    """The report says how many tracks there are."""
    with pytest.raises(RecordingError, match="it has 3 audio tracks") as caught:
        probe(podcast, ffmpeg=new_ffmpeg(), track=4)

    assert caught.value.reason == Reason.NO_AUDIO


def test_damage_is_told_and_survived(tmp_path):
    """What the decoder complains of while all is decoded is carried along, and the rest is heard."""
    wav = write_wav(tmp_path / "a.wav", speak([*GUEST, *HOST], LENGTH_MS))
    path = tmp_path / "a.ts"
    run_ffmpeg("-i", wav, "-ar", "48000", "-c:a", "ac3", path)
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 2, len(content) // 2 + 2_000, 40):
        content[at] ^= 0xFF
    path.write_bytes(content)

    damaged = whole(path, work=tmp_path)

    assert damaged.complaint
    assert len(hear_file(damaged.path)) >= 4


def test_a_missing_work_folder_is_the_storages_fault(podcast, tmp_path):
    """A work folder that went away does not put the recording into quarantine."""
    with pytest.raises(StorageUnavailable):
        whole(podcast, work=tmp_path / "gone", track="mix")
