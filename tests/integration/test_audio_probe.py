"""Looking into real files."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest

from tests.ffmpegs import new_ffmpeg
from tests.integration.audio_files import TALK_MS, run_ffmpeg, write_talk
from tests.sound.speech import RATE, speak, write_wav
from voxtrald.audio import commands
from voxtrald.audio.ffmpeg import Bounds
from voxtrald.audio.probe import measure_ms, probe
from voxtrald.errors import Reason, RecordingChanged, RecordingError, StorageUnavailable

FORMATS = [
    ("a.mp3", (), "mp3", "mp3"),
    ("a.m4a", ("-c:a", "aac"), "mov", "aac"),
    ("a.wav", (), "wav", "pcm_s16le"),
    ("a.flac", (), "flac", "flac"),
    ("a.ogg", ("-c:a", "libvorbis"), "ogg", "vorbis"),
    ("a.opus", ("-c:a", "libopus"), "ogg", "opus"),
    ("a.webm", ("-c:a", "libopus"), "matroska", "opus"),
    ("a.wma", (), "asf", "wmav2"),
    ("a.amr", ("-ac", "1", "-ar", "8000", "-c:a", "libopencore_amrnb"), "amr", "amr_nb"),
    ("a.aiff", (), "aiff", "pcm_s16be"),
    ("a.aac", (), "aac", "aac"),
    ("a.caf", ("-c:a", "pcm_s16le"), "caf", "pcm_s16le"),
]


@pytest.mark.parametrize(("name", "options", "container", "codec"), FORMATS)
def test_common_formats_are_recognised_and_measured(tmp_path, name, options, container, codec):
    """Container and codec are named, and the end of the sound is found to a packet."""
    ffmpeg = new_ffmpeg()

    source = probe(write_talk(tmp_path / name, *options), ffmpeg=ffmpeg)

    assert (source.container, source.codec, source.has_other_streams) == (container, codec, False)
    assert measure_ms(source, ffmpeg=ffmpeg) == pytest.approx(TALK_MS, abs=80)


@pytest.mark.parametrize("name", ["noext", "wrong.txt", "-i.mp3", "a%03d.mp3", "concat:a|b.mp3", "ü\udcff\n.mp3"])
def test_the_name_does_not_matter(tmp_path, name):
    """A recording is known by its content, whatever it is called."""
    path = write_talk(tmp_path / "a.mp3").rename(tmp_path / name)

    assert probe(path, ffmpeg=new_ffmpeg()).codec == "mp3"


def test_a_cover_is_another_stream(tmp_path):
    """The sound is found beside a picture."""
    talk = write_talk(tmp_path / "talk.wav")
    path = tmp_path / "a.mp3"
    picture = ("-f", "lavfi", "-i", "color=s=64x64:d=1:r=1")
    run_ffmpeg(*picture, "-i", talk, "-map", "0", "-map", "1", "-c:v", "mjpeg", "-frames:v", "1", path)

    source = probe(path, ffmpeg=new_ffmpeg())

    assert source.has_other_streams
    assert source.codec == "mp3"


def test_a_truncated_recording_is_measured_by_what_is_there(tmp_path):
    """The header's promise is not believed."""
    path = write_talk(tmp_path / "a.mp3")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    ffmpeg = new_ffmpeg()

    source = probe(path, ffmpeg=ffmpeg)

    assert not source.duration_exact
    assert measure_ms(source, ffmpeg=ffmpeg) == pytest.approx(TALK_MS // 2, abs=200)


def wav_header(*, rate: int, channels: int = 1) -> bytes:
    """A WAV file of 320,000 bytes with a header that claims what it likes."""
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    return b"RIFF" + struct.pack("<I", 320_036) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 320_000)


BROKEN = {
    "empty.mp3": (b"", Reason.EMPTY),
    "text.mp3": (b"Dear diary, this is no mp3.\n" * 9, Reason.UNSUPPORTED),
    "hls.mp3": (b"#EXTM3U\n#EXTINF:8.0,\nfile:///etc/passwd\n", Reason.UNSUPPORTED),
    "nuls.mp3": (bytes(100_000), Reason.UNREADABLE),
    "noise.mp3": (bytes(range(256)) * 40, Reason.UNREADABLE),
    "one_hertz.wav": (wav_header(rate=1) + bytes(320_000), Reason.UNSUPPORTED),
    "no_channels.wav": (wav_header(rate=16_000, channels=0) + bytes(320_000), Reason.UNREADABLE),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_recording_is_refused_with_a_reason(tmp_path, name):
    """Broken and foreign files are told apart, each with something a person can do."""
    content, reason = BROKEN[name]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(RecordingError) as caught:
        probe(tmp_path / name, ffmpeg=new_ffmpeg())

    assert caught.value.reason == reason
    assert caught.value.hint


def test_a_recording_that_was_not_closed_is_called_truncated(tmp_path):
    """An MP4 without its table of contents was cut off while it was written or copied."""
    path = write_talk(tmp_path / "a.m4a")
    path.write_bytes(path.read_bytes()[:-2_000])

    with pytest.raises(RecordingError) as caught:
        probe(path, ffmpeg=new_ffmpeg())

    assert caught.value.reason == Reason.TRUNCATED


def test_a_video_without_sound_has_no_audio(tmp_path):
    """A silent film is told as such."""
    path = tmp_path / "film.mp4"
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64:d=1:r=5", "-c:v", "mpeg4", path)

    with pytest.raises(RecordingError) as caught:
        probe(path, ffmpeg=new_ffmpeg())

    assert caught.value.reason == Reason.NO_AUDIO


def test_a_header_without_sound_has_nothing_to_measure(tmp_path):
    """A WAV of no samples is refused when it is measured."""
    path = write_wav(tmp_path / "a.wav", speak([], 0), RATE)
    ffmpeg = new_ffmpeg()

    with pytest.raises(RecordingError):
        measure_ms(probe(path, ffmpeg=ffmpeg), ffmpeg=ffmpeg)


def test_a_vanished_file_is_no_bad_recording(tmp_path):
    """A file that is gone was moved by somebody."""
    with pytest.raises(RecordingChanged):
        probe(tmp_path / "gone.mp3", ffmpeg=new_ffmpeg())


def test_an_unreadable_file_is_the_storages_fault(tmp_path):
    """What cannot be opened waits until it can."""
    with pytest.raises(StorageUnavailable):
        probe(tmp_path, ffmpeg=new_ffmpeg())


@pytest.mark.parametrize("name", ["list.mp3", "list.m3u8", "list.ffconcat", "list.mpd", "list.sdp"])
def test_a_playlist_opens_nothing_even_past_the_first_look(tmp_path, name):
    """Were a playlist to reach ffmpeg, it would still neither read another file nor make a connection."""
    write_talk(tmp_path / "secret.mp3")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        (tmp_path / name).write_text(playlist(name, port), "utf-8")
        finished = new_ffmpeg().run(
            commands.describe(tmp_path / name), source=tmp_path / name, bounds=Bounds(timeout_s=20.0)
        )
        with pytest.raises(BlockingIOError):
            server.accept()

    assert "Audio:" not in finished.stderr


def playlist(name: str, port: int) -> str:
    """Write a playlist that asks for a local address and for a file beside it."""
    address = f"http://127.0.0.1:{port}/a"
    return {
        ".ffconcat": f"ffconcat version 1.0\nfile 'secret.mp3'\nfile '{address}.mp3'\n",
        ".mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        f'<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>{address}.mp4</BaseURL>'
        f"</Representation></AdaptationSet></Period></MPD>",
        ".sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 0 RTP/AVP 0\n",
    }.get(Path(name).suffix, f"#EXTM3U\n#EXTINF:8.0,\n{address}.ts\n#EXTINF:8.0,\nsecret.mp3\n#EXT-X-ENDLIST\n")
