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


def encoding(path: Path, **changes) -> tuple[str, ...]:
    """Build an encoding of `SPAN` with everything else ordinary."""
    wishes = {"target_format": "mp3", "bitrate_kbps": 48, "sample_rate_hz": 16_000, "container": "mov"}
    command = commands.encode(path, stream_index=0, span=SPAN, target=Path("/w/out"), **(wishes | changes))
    return command.arguments


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
    built = commands.describe(Path(name)).arguments

    assert built[-1] == f"file:{Path.cwd()}/{name}"


def test_every_input_is_guarded():
    """Only local files and only containers that refer to nothing are ever opened."""
    built = commands.describe(Path("/in/a.mp3")).arguments

    assert built[:4] == ("-protocol_whitelist", "file", "-format_whitelist", commands.FORMATS)
    assert not {"hls", "concat", "dash", "sdp", "imf", "image2"} & set(commands.FORMATS.split(","))


def test_references_to_other_files_are_off_where_they_exist():
    """A QuickTime file may not name another one; other demuxers do not know the option."""
    assert "-enable_drefs" in encoding(Path("/in/a.m4a"))
    assert "-enable_drefs" not in encoding(Path("/in/a.mp3"), container="mp3")


def test_the_input_is_sought_and_not_the_output():
    """Start and length stand before the input, so that nothing before the span is decoded."""
    built = encoding(Path("/in/a.m4a"))

    assert built[built.index("-ss") : built.index("-ss") + 5] == ("-ss", "1.500", "-t", "2.500", "-i")


@pytest.mark.parametrize(
    ("target_format", "wished_hz", "rate_hz"),
    [("mp3", 16_000, 16_000), ("ogg", 22_050, 24_000), ("ogg", 44_100, 48_000), ("wav", 12_345, 12_345)],
)
def test_the_rate_is_one_the_format_has(target_format, wished_hz, rate_hz):
    """A rate the format cannot have is raised to the next one it can."""
    built = encoding(Path("/in/a.m4a"), target_format=target_format, sample_rate_hz=wished_hz)

    assert built[built.index("-ar") + 1] == str(rate_hz)


def test_what_has_no_index_is_entered_at_a_frame():
    """Reading begins at a byte, ends with the span, and what lies before the span is thrown away exactly."""
    entry = commands.Entry(skip_bytes=4_711, at_ms=1_234.5)
    built = encoding(Path("/in/a.mp3"), entry=entry)
    listened = commands.decode(Path("/in/a.mp3"), container="mp3", stream_index=0, span=SPAN, entry=entry).arguments

    for arguments in (built, listened):
        at = arguments.index("-skip_initial_bytes")
        assert arguments[at + 1 : at + 5] == ("4711", "-t", "2.765500", "-i")
        assert arguments[arguments.index("-ss") + 1] == "0.265500"
        assert arguments.index("-ss") > arguments.index("-i")


def test_the_end_alone_can_be_measured():
    """Measuring may begin at a position; otherwise it reads all."""
    whole = commands.measure(Path("/in/a.m4a"), container="mov", stream_index=0).arguments
    end = commands.measure(Path("/in/a.m4a"), container="mov", stream_index=0, from_ms=90_000).arguments

    assert "-ss" not in whole
    assert end[end.index("-ss") + 1] == "90.000"
    assert end.index("-ss") < end.index("-i")


def test_a_command_names_the_files_it_takes():
    """The recording and the target, and nothing to write where ffmpeg only talks: the jail is built from that."""
    made = commands.encode(
        Path("/in/a.m4a"),
        container="mov",
        stream_index=0,
        span=SPAN,
        target=Path("/w/out"),
        target_format="mp3",
        bitrate_kbps=48,
        sample_rate_hz=16_000,
    )

    assert (made.reads, made.writes) == (Path("/in/a.m4a"), Path("/w/out"))
    assert (commands.describe(Path("/in/a.mp3")).reads, commands.describe(Path("/in/a.mp3")).writes) == (
        Path("/in/a.mp3"),
        None,
    )
