"""ffmpeg's command lines, as values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.audio import commands
from voxtrald.transcript.model import Span

SPAN = Span(start_ms=1_500, end_ms=4_000)

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."}
)


def encoding(path: Path, **changes) -> list[str]:
    """Build an encoding of `SPAN` with everything else ordinary."""
    wishes = {"target_format": "mp3", "bitrate_kbps": 48, "sample_rate_hz": 16_000, "container": "mov"}
    return commands.encode(path, stream_index=0, span=SPAN, target=Path("/w/out"), **(wishes | changes))


@given(NAMES)
def test_a_name_is_never_an_option_or_a_protocol(name):
    """Whatever a file is called, it stands behind `-i`, with a protocol and an absolute path before it."""
    built = encoding(Path("/in") / name)

    behind = built[built.index("-i") + 1]
    assert behind == f"file:/in/{name}"
    assert [word for word in built if name in word and word.startswith("file:/in/")] == [behind]


@pytest.mark.parametrize("name", ["-report.mp3", "http:x.mp3", "concat:a|b.mp3", "a%03d.mp3", "pipe:0"])
def test_a_relative_name_becomes_absolute(name):
    """A bare name that means something else to ffmpeg is turned into a path."""
    built = commands.describe(Path(name))

    assert built[-1] == f"file:{Path.cwd()}/{name}"


def test_every_input_is_guarded():
    """Only local files and only containers that refer to nothing are ever opened."""
    built = commands.describe(Path("/in/a.mp3"))

    assert built[:4] == ["-protocol_whitelist", "file", "-format_whitelist", commands.FORMATS]
    assert not {"hls", "concat", "dash", "sdp", "imf", "image2"} & set(commands.FORMATS.split(","))


def test_references_to_other_files_are_off_where_they_exist():
    """A QuickTime file may not name another one; other demuxers do not know the option."""
    assert "-enable_drefs" in encoding(Path("/in/a.m4a"))
    assert "-enable_drefs" not in encoding(Path("/in/a.mp3"), container="mp3")


def test_the_input_is_sought_and_not_the_output():
    """Start and length stand before the input, so that nothing before the span is decoded."""
    built = encoding(Path("/in/a.m4a"))

    assert built[built.index("-ss") : built.index("-ss") + 5] == ["-ss", "1.500", "-t", "2.500", "-i"]


@pytest.mark.parametrize(
    ("target_format", "wished_hz", "rate_hz"),
    [("mp3", 16_000, 16_000), ("ogg", 22_050, 24_000), ("ogg", 44_100, 48_000), ("wav", 12_345, 12_345)],
)
def test_the_rate_is_one_the_format_has(target_format, wished_hz, rate_hz):
    """A rate the format cannot have is raised to the next one it can."""
    built = encoding(Path("/in/a.m4a"), target_format=target_format, sample_rate_hz=wished_hz)

    assert built[built.index("-ar") + 1] == str(rate_hz)


def test_a_percent_sign_in_a_folder_is_no_pattern():
    """The work folder's own name is not taken for a number to be filled in."""
    built = commands.copy(
        Path("/in/a.mp3"),
        container="mp3",
        stream_index=0,
        span=SPAN,
        cuts_ms=[1_000, 2_000],
        folder=Path("/w/50%d"),
        demuxing=(),
    )

    assert built[-1] == "file:/w/50%%d/%d.mp3"
    assert built[built.index("-segment_times") + 1] == "1.000,2.000"
