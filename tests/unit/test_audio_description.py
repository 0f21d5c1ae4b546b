"""What ffmpeg prints about files, recorded from ffmpeg 9 and 5."""

from __future__ import annotations

from voxtrald.audio.description import AudioStream, Description, last_out_time_ms, read_description

MP3 = """\
Input #0, mp3, from 'file:/in/talk.mp3':
  Metadata:
    encoder         : Lavf63.1.102
  Duration: 00:01:00.00, start: 0.025057, bitrate: 128 kb/s
  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, stereo, fltp, 128 kb/s, start 0.025057
    Metadata:
      encoder         : Lavc63.1.
At least one output file must be specified
"""

VIDEO = """\
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/in/film.mp4':
  Metadata:
    title           : a film
                    :   Stream #0:7: Audio: pcm_s16le, 8000 Hz, mono
    Stream #0:8: Audio: pcm, 8000 Hz: a tag with a tricky name
  Duration: 01:02:03.45, start: 0.000000, bitrate: 500 kb/s
  Chapters:
    Chapter #0:0: start 0.000000, end 10.000000
      Metadata:
        title           : Intro
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 160x120, 5 fps (default)
  Stream #0:1[0x2](deu): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, stereo, fltp, 2 kb/s
  Stream #0:2[0x3](eng): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, 5.1(side), fltp, 132 kb/s (default)
At least one output file must be specified
"""

GUESSED = """\
[in#0/mp3 @ 0x564a5b804100] Estimating duration from bitrate, this may be inaccurate
Input #0, mp3, from 'file:/in/a.mp3':
  Duration: 00:01:00.38, start: 0.000000, bitrate: 129 kb/s
  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, mono, fltp, 129 kb/s
"""

NULS = """\
Input #0, mp3, from 'file:/in/n.mp3':
  Duration: N/A, start: 0.000000, bitrate: N/A
  Stream #0:0: Audio: mp3 (mp3float), 0 channels, fltp
"""


def test_a_plain_recording_is_read():
    """Container, duration, start, bit rate and the one stream come from their lines."""
    stream = AudioStream(
        index=0, codec="mp3", sample_rate_hz=44_100, channels=2, bit_rate_bps=128_000, is_default=False
    )

    assert read_description(MP3) == Description(
        container="mp3",
        duration_ms=60_000,
        is_estimate=False,
        start_ms=25,
        bit_rate_bps=128_000,
        audio=stream,
        other_streams=0,
        tracks=(stream,),
    )


def test_the_default_track_is_taken():
    """Of two audio tracks the default one is taken, and the rest count as other streams."""
    description = read_description(VIDEO)

    assert description is not None
    assert description.audio is not None
    assert (description.audio.index, description.audio.channels) == (2, 6)
    assert (description.container, description.duration_ms, description.other_streams) == (
        "mov",
        3_723_450,
        2,
    )


def test_tags_are_not_taken_for_streams():
    """A title or tag name that looks like a stream changes nothing."""
    description = read_description(VIDEO)

    assert description is not None
    assert description.other_streams == 2


def test_a_guessed_duration_is_marked():
    """A duration that ffmpeg itself calls a guess is marked as one."""
    description = read_description(GUESSED)

    assert description is not None
    assert description.is_estimate


def test_what_is_not_available_is_none_or_zero():
    """A file without sound that can be read has neither duration nor rate."""
    description = read_description(NULS)

    assert description is not None
    assert description.audio is not None
    assert (description.duration_ms, description.audio.sample_rate_hz) == (None, 0)


def test_a_file_that_was_not_opened_has_no_description():
    """Without the line that names the input there is nothing to read."""
    assert read_description("[in#0 @ 0x1] moov atom not found\n") is None


def test_the_last_progress_counts():
    """The furthest time reached is the last one that is a number."""
    progress = "out_time_us=N/A\nout_time_us=500000\nout_time_us=60004331\nprogress=end\n"

    assert last_out_time_ms(progress) == 60_004
    assert last_out_time_ms("out_time_us=N/A\n") is None
