"""A recording that was cut off anywhere: what is there is heard, and that something is missing is said."""

from __future__ import annotations

import pytest

from tests.hostile.making import RATE, Kit
from tests.sound.speech import compose, speak, write_wav
from voxtrald.errors import Reason

STEP_BYTES = 1_024
SPOKEN_MS = 4_000
SPOKEN = compose(SPOKEN_MS, seed=33, start_index=9_000)

FORMATS = {
    "mp3": ("-c:a", "libmp3lame", "-b:a", "32k"),
    "m4a": ("-c:a", "aac", "-b:a", "32k", "-movflags", "+faststart"),
    "wav": ("-ar", "8000", "-c:a", "pcm_u8"),
    "ogg": ("-c:a", "libopus", "-b:a", "32k"),
    "flac": ("-ar", "8000"),
    "mkv": ("-c:a", "aac", "-b:a", "32k"),
}

SENSIBLE = {Reason.TRUNCATED, Reason.EMPTY, Reason.UNREADABLE}
"""What may be said of what is left. `unreadable` only of so little that no container can be known from it."""

LEAST_BYTES = 2 * STEP_BYTES


@pytest.fixture(scope="module")
def short_kit(tmp_path_factory):
    """Give a talk of four seconds, in any format."""
    folder = tmp_path_factory.mktemp("cuts")
    kit = Kit(folder, 9)
    write_wav(kit.material / "talk.wav", speak(SPOKEN, SPOKEN_MS), RATE)
    return kit


@pytest.mark.xdist_group("hostile")
@pytest.mark.parametrize("ending", FORMATS)
def test_wherever_a_file_is_cut_its_loss_is_told(ending, short_kit, lay_out):
    """Cut after every kilobyte, a file gives a sensible reason, or a transcript that says that its end is missing."""
    whole, bench = short_kit.talk(ending, *FORMATS[ending]), lay_out()
    spoken = {word.text for word in SPOKEN}
    heard_before = 0
    for size in range(STEP_BYTES, len(whole), STEP_BYTES):
        carried = bench.carry(short_kit.write(f"{size}.{ending}", whole[:size]))

        assert carried.words - spoken <= {"Incomplete", "[missing", "[no", "speech]"} | other_words(carried), size
        if carried.reason is None:
            assert carried.damage, size
            assert len(carried.words & spoken) >= heard_before, size
            heard_before = len(carried.words & spoken)
        else:
            assert carried.reason in SENSIBLE, size
            assert carried.reason != Reason.UNREADABLE or size <= LEAST_BYTES, carried.outcome
            assert carried.outcome.hint, size
    assert heard_before > 0


def other_words(carried):
    """The words that are ours: those of the marks and of the head of a part."""
    partial = carried.shelf.partial_text or ""
    head, _, _ = partial.partition("\n")
    marks = [line for line in partial.splitlines() if line.startswith("[")]
    return set(" ".join([head, *marks]).split())
