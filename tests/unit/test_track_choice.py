"""Which of several audio tracks is heard, and what that is part of."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxtrald.audio import commands
from voxtrald.audio.description import AudioStream, Description, default_track
from voxtrald.audio.probe import AudioSource, choose_track
from voxtrald.audio.recasting import needs_recasting
from voxtrald.errors import Reason, RecordingError


def stream(index, *, is_default=False, rate_hz=48_000, codec="aac", channels=2):
    """Make an audio stream."""
    return AudioStream(
        index=index,
        codec=codec,
        sample_rate_hz=rate_hz,
        channels=channels,
        bit_rate_bps=None,
        is_default=is_default,
    )


def described(*tracks):
    """Describe a film with these audio tracks behind its picture."""
    return Description(
        container="matroska",
        duration_ms=60_000,
        is_estimate=False,
        start_ms=0,
        bit_rate_bps=None,
        audio=default_track(tracks),
        other_streams=len(tracks),
        tracks=tracks,
    )


def source(**changes):
    """Make a recording with tracks in the streams 1 and 2, of which the first is heard."""
    usual = {
        "path": Path("/in/a.mkv"),
        "container": "matroska",
        "codec": "aac",
        "stream_index": 1,
        "sample_rate_hz": 48_000,
        "channels": 2,
        "bit_rate_bps": None,
        "duration_ms": 60_000,
        "duration_exact": False,
        "start_ms": 0,
        "size_bytes": 1,
        "has_other_streams": True,
        "tracks": (1, 2),
    }
    return AudioSource(**{**usual, **changes})


def test_the_marked_track_is_the_default():
    """The track marked as default is taken, wherever it stands."""
    assert default_track([stream(1), stream(2, is_default=True)]).index == 2


def test_without_a_mark_the_first_with_sound_is_the_default():
    """A track whose header tells neither rate nor codec is passed over, as long as there is another one."""
    assert default_track([stream(1, rate_hz=0), stream(2, codec="none"), stream(3), stream(4)]).index == 3
    assert default_track([stream(1, rate_hz=0)]).index == 1
    assert default_track([]) is None


@pytest.mark.parametrize(("wish", "number"), [("default", 2), (1, 1), (2, 2), ("mix", None)])
def test_a_track_is_chosen_by_wish(wish, number):
    """The default one, one by its number from 1, or all of them."""
    assert choose_track(described(stream(1), stream(2, is_default=True)), wish) == number


def test_a_mix_of_one_is_that_one():
    """Where there is one track, nothing is mixed."""
    assert choose_track(described(stream(0)), "mix") == 1


def test_a_track_that_is_not_there_is_told_with_how_many_there_are():
    """A wrong number is a matter of this recording, and says what could be chosen."""
    with pytest.raises(RecordingError) as caught:
        choose_track(described(stream(1), stream(2)), 3)

    assert caught.value.reason == Reason.NO_AUDIO
    assert caught.value.message == "there is no audio track 3 in the file: it has 2 audio tracks"
    assert "audio.track" in caught.value.hint


def test_a_choice_of_tracks_is_part_of_what_answers_are_kept_under():
    """Only another track than the default one makes a difference, and a mix is another one."""
    assert source().choice == {}
    assert source(track=2, is_default_track=False).choice == {"track": 2}
    assert source(track=None, is_default_track=False).choice == {"track": 0}


def test_what_is_heard_are_the_chosen_streams():
    """One stream, or all that are audio."""
    assert source(stream_index=2, track=2).heard_streams == (2,)
    assert source(track=None).heard_streams == (1, 2)


@pytest.mark.parametrize(
    ("changes", "is_needed"),
    [
        ({}, False),
        ({"track": None}, True),
        ({"container": "mpegts"}, True),
        ({"container": "mpeg", "codec": "mp2"}, True),
        ({"container": "wav", "codec": "pcm_s16le"}, False),
        ({"container": "wav", "codec": "adpcm_ima_wav"}, True),
        ({"container": "mp3", "codec": "mp3"}, False),
    ],
)
def test_only_what_cannot_be_listened_to_piece_by_piece_is_decoded_first(changes, is_needed):
    """Mixes, clocks that may begin anew and guessed positions need it; nothing else pays for it."""
    assert needs_recasting(source(**changes)) == is_needed


def test_a_mix_takes_every_track_at_its_own_times():
    """Each track is put at its own times before they are laid over one another."""
    command = commands.recast(
        Path("/in/a.mkv"),
        container="matroska",
        stream_indices=(1, 2),
        target=Path("/w/recast.flac"),
        sample_rate_hz=16_000,
        reach_ms=5_000,
    )
    graph = command.arguments[command.arguments.index("-filter_complex") + 1]

    assert graph.count("first_pts=0") == 2
    assert graph.endswith("[t1][t2]amix=inputs=2:duration=longest[all]")
    assert (command.reads, command.writes) == (Path("/in/a.mkv"), Path("/w/recast.flac"))
