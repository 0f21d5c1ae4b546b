"""Makes the hostile files: one function each, the trick in its docstring. What is made is always the same.

`FILES` names them; what is expected of each stands in `expecting.py`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.hostile import containers
from tests.integration.audio_files import run_ffmpeg
from tests.sound.speech import RATE, PlacedWord, compose, speak, write_wav

TALK_MS = 12_000
WORDS = compose(TALK_MS, seed=31, start_index=4_000)
CANARY = compose(6_000, seed=32, start_index=60_000)
"""What must never be heard: it is said in another file, which the hostile ones point to."""

BIG_BYTES = 300 << 20
TAG_BYTES = (1 << 28) - 1


@dataclass(frozen=True)
class Kit:
    """What the files are made from.

    Attributes:
        folder: where they go.
        port: of a listener on the loopback that must hear nothing.
    """

    folder: Path
    port: int
    _talks: dict[tuple[str, ...], bytes] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What hostile files want opened."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def material(self) -> Path:
        """A folder beside the others for what files are made from; the canary is in it."""
        folder = self.folder / "material"
        folder.mkdir()
        write_wav(folder / "talk.wav", speak(WORDS, TALK_MS), RATE)
        canary = write_wav(folder / "canary.wav", speak(CANARY, 6_000), RATE)
        for name in ("canary.mp3", "canary.ts"):
            run_ffmpeg("-i", canary, folder / name)
        return folder

    def talk(self, ending: str, *options: str) -> bytes:
        """Give the talk in a format; ffmpeg adds nothing of its own to the file."""
        key = (ending, *options)
        if key not in self._talks:
            path = self.material / f"made.{ending}"
            run_ffmpeg("-i", self.material / "talk.wav", *options, "-fflags", "+bitexact", path)
            self._talks[key] = path.read_bytes()
        return self._talks[key]

    def pcm(self) -> bytes:
        """Give the talk's samples."""
        return self.talk("wav")[-2 * TALK_MS * RATE // 1000 :]

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def sparse(self, name: str, *, head: bytes, hole_bytes: int, tail: bytes) -> Path:
        """Write a file with a hole in it, which takes no room on the disk."""
        path = self.folder / name
        with path.open("wb") as file:
            file.write(head)
            file.seek(hole_bytes, 1)
            file.write(tail)
        return path


Make = Callable[[Kit, str], Path]
FILES: dict[str, Make] = {}


def makes(name: str) -> Callable[[Make], Make]:
    """Enter a function under the name of the file it makes."""

    def enter(make: Make) -> Make:
        FILES[name] = make
        return make

    return enter


def _spoiled(content: bytes, *, seed: int, times: int, start: int, end: int | None = None) -> bytes:
    """Overwrite bytes at random places."""
    chance, spoiled = random.Random(seed), bytearray(content)
    for _ in range(times):
        spoiled[chance.randrange(start, end or len(content))] = chance.randrange(256)
    return bytes(spoiled)


def _part(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


# --- playlists and references -----------------------------------------------------------------------------------


def _hls(target: str, *, before: str = "") -> str:
    return f"#EXTM3U\n{before}#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:6.0,\n{target}\n#EXT-X-ENDLIST\n"


@makes("hls-file.mp3")
def hls_file(kit: Kit, name: str) -> Path:
    """Make a playlist that names another recording on this machine."""
    return kit.write(name, _hls(f"file://{kit.material}/canary.ts"))


@makes("hls-relative.m4a")
def hls_relative(kit: Kit, name: str) -> Path:
    """Make a playlist that names a recording beside it."""
    return kit.write(name, _hls("material/canary.ts"))


@makes("hls-http.wav")
def hls_http(kit: Kit, name: str) -> Path:
    """Make a playlist that names a web address."""
    return kit.write(name, _hls(f"{kit.address}/a.ts"))


@makes("hls-master.mp3")
def hls_master(kit: Kit, name: str) -> Path:
    """Make a playlist of playlists at a web address."""
    return kit.write(name, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{kit.address}/x.m3u8\n")


@makes("hls-key.mp3")
def hls_key(kit: Kit, name: str) -> Path:
    """Make a playlist whose key lies at a web address."""
    return kit.write(name, _hls("material/canary.ts", before=f'#EXT-X-KEY:METHOD=AES-128,URI="{kit.address}/k"\n'))


@makes("hls-concat-subfile.mp3")
def hls_concat_subfile(kit: Kit, name: str) -> Path:
    """Make a playlist that would send the beginning of another file to a web address."""
    target = f"concat:{kit.address}/h.txt|subfile,,start,0,end,20,,:{kit.material}/canary.wav"
    return kit.write(name, _hls(target))


@makes("hls-data.mp3")
def hls_data(kit: Kit, name: str) -> Path:
    """Make a playlist that carries its playlist within a data: address."""
    return kit.write(name, _hls("data:audio/x-mpegurl;base64,I0VYVE0zVQo="))


@makes("hls-binary.mp3")
def hls_binary(kit: Kit, name: str) -> Path:
    """Make a playlist with a byte in front of its end that no text has, to pass for a recording."""
    return kit.write(name, b"#EXTM3U\n\x01\n#EXTINF:6.0,\nmaterial/canary.ts\n#EXT-X-ENDLIST\n")


@makes("hls-utf16.mp3")
def hls_utf16(kit: Kit, name: str) -> Path:
    """Make a playlist of letters that take two bytes each."""
    return kit.write(name, _hls(f"{kit.address}/a.ts").encode("utf-16"))


@makes("m3u.wav")
def m3u(kit: Kit, name: str) -> Path:
    """Make a plain list of addresses."""
    return kit.write(name, f"#EXTM3U\n#EXTINF:8,x\n{kit.address}/a.mp3\n")


@makes("pls.mp3")
def pls(kit: Kit, name: str) -> Path:
    """Make a playlist of a radio station."""
    return kit.write(name, f"[playlist]\nFile1={kit.address}/a.mp3\nNumberOfEntries=1\n")


@makes("asx.wma")
def asx(kit: Kit, name: str) -> Path:
    """Make a playlist of Windows Media."""
    return kit.write(name, f'<asx version="3.0"><entry><ref href="{kit.address}/a.wma"/></entry></asx>\n')


@makes("dash.m4a")
def dash(kit: Kit, name: str) -> Path:
    """Make a manifest of MPEG-DASH that names a web address."""
    return kit.write(
        name,
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        'mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>'
        f"{kit.address}/a.mp4</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>",
    )


@makes("concat-relative.mp3")
def concat_relative(kit: Kit, name: str) -> Path:
    """Make a script that joins files, naming one beside it."""
    return kit.write(name, "ffconcat version 1.0\nfile 'material/canary.mp3'\n")


@makes("concat-http.wav")
def concat_http(kit: Kit, name: str) -> Path:
    """Make a script that joins files, naming a web address."""
    return kit.write(name, f"ffconcat version 1.0\nfile '{kit.address}/a.mp3'\n")


@makes("concat-binary.mp3")
def concat_binary(kit: Kit, name: str) -> Path:
    """Make a script that joins files, with a byte that no text has in its first lines."""
    return kit.write(name, b"ffconcat version 1.0\n#\x01\nfile 'material/canary.mp3'\n")


@makes("sdp.mp3")
def sdp(kit: Kit, name: str) -> Path:
    """Make a session description that opens a port for a live stream."""
    return kit.write(
        name, f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {kit.port} RTP/AVP 0\n"
    )


@makes("avisynth.mp3")
def avisynth(kit: Kit, name: str) -> Path:
    """Make a script of AviSynth that opens another file."""
    return kit.write(name, f'WavSource("{kit.material}/canary.wav")\n')


@makes("subtitles.mp3")
def subtitles(kit: Kit, name: str) -> Path:
    """Make subtitles with a web address in them."""
    return kit.write(name, f"1\n00:00:00,000 --> 00:00:05,000\n{kit.address}/a.mp3\n")


@makes("sami.m4a")
def sami(kit: Kit, name: str) -> Path:
    """Make subtitles in the form of a web page."""
    return kit.write(name, f'<SAMI><BODY><SYNC Start=0><P><a href="{kit.address}/">x</a></SYNC></BODY></SAMI>')


def _reference_movie(kit: Kit, name: str, reference: bytes) -> Path:
    canary = (kit.material / "canary.wav").read_bytes()
    track = containers.pcm_track(frames=90_000, sound_at=canary.index(b"data") + 8, reference=reference)
    return kit.write(name, containers.movie([track], length=90_000))


@makes("dref-absolute.m4a")
def dref_absolute(kit: Kit, name: str) -> Path:
    """Make a QuickTime file whose samples are to be read from another file."""
    alias = containers.alias(f"{kit.material}/canary.wav")
    return _reference_movie(kit, name, containers.full_box(b"alis", alias))


@makes("dref-relative.mov")
def dref_relative(kit: Kit, name: str) -> Path:
    """Make the same with a name relative to itself."""
    return _reference_movie(kit, name, containers.full_box(b"alis", containers.alias("material/canary.wav")))


@makes("dref-http.mp4")
def dref_http(kit: Kit, name: str) -> Path:
    """Make the same with a web address."""
    return _reference_movie(kit, name, containers.full_box(b"url ", f"{kit.address}/a.wav\0".encode()))


@makes("cover-address.mp3")
def cover_address(kit: Kit, name: str) -> Path:
    """Give an mp3 a cover that is said to lie at a web address, and a page to visit."""
    cover = b"\0-->\0\3\0" + f"{kit.address}/cover.jpg".encode()
    page = f"{kit.address}/".encode()
    frames = containers.id3_frame(b"APIC", len(cover)) + cover + containers.id3_frame(b"WOAF", len(page)) + page
    return kit.write(name, containers.id3(len(frames)) + frames + kit.talk("mp3"))


@makes("subtitle-track.mkv")
def subtitle_track(kit: Kit, name: str) -> Path:
    """Put subtitles that name another file into a recording."""
    text = kit.material / "lines.srt"
    text.write_text(f"1\n00:00:00,000 --> 00:00:05,000\nfile://{kit.material}/canary.wav\n")
    path = kit.folder / name
    run_ffmpeg("-i", kit.material / "talk.wav", "-i", text, "-c:a", "aac", "-c:s", "srt", "-f", "matroska", path)
    return path


# --- bombs ------------------------------------------------------------------------------------------------------


@makes("one-hertz.wav")
def one_hertz(kit: Kit, name: str) -> Path:
    """Claim one sample per second: 320 kB become two days."""
    return kit.write(name, containers.wav(bytes(320_000), form=containers.wav_form(rate=1)))


@makes("days.flac")
def days(kit: Kit, name: str) -> Path:
    """Keep two days of silence in 320 kB."""
    return kit.write(name, containers.silent_flac(2 * 86_400))


@makes("years.mov")
def years(kit: Kit, name: str) -> Path:
    """Let each sample of a QuickTime file last a day."""
    track = containers.pcm_track(frames=96_000, sound_at=containers.SOUND_AT, step=16_000 * 86_400)
    return kit.write(name, containers.movie([track], kit.pcm()[: 2 * 96_000]))


@makes("granule.ogg")
def granule(kit: Kit, name: str) -> Path:
    """Say on the last page of an Ogg file that it is sample 2 to the power of 62."""
    *pages, last = containers.ogg_pages(kit.talk("ogg", "-c:a", "libopus"))
    return kit.write(name, b"".join([*pages, containers.with_granule(last, 1 << 62)]))


@makes("hole.webm")
def hole(kit: Kit, name: str) -> Path:
    """Leave a hole of ten years in the middle of a recording."""
    plain = kit.material / "plain.mka"
    plain.write_bytes(kit.talk("mka", "-c:a", "libopus"))
    jump = "setts=ts=if(gt(N\\,300)\\,TS+315360000000\\,TS)"
    path = kit.folder / name
    run_ffmpeg("-i", plain, "-c", "copy", "-bsf:a", jump, "-f", "matroska", path)
    return path


@makes("silence-24h.flac")
def silence_24h(kit: Kit, name: str) -> Path:
    """Record a day of digital silence, in 150 kB."""
    return kit.write(name, containers.silent_flac(86_400))


@makes("tracks-10000.mkv")
def tracks_mkv(kit: Kit, name: str) -> Path:
    """Announce ten thousand tracks."""
    return kit.write(name, containers.matroska(map(containers.matroska_track, range(1, 10_001))))


@makes("tracks-10000.mp4")
def tracks_mp4(kit: Kit, name: str) -> Path:
    """Announce ten thousand tracks of the same sound."""
    tracks = (
        containers.pcm_track(frames=96_000, sound_at=containers.SOUND_AT, number=number) for number in range(1, 10_001)
    )
    return kit.write(name, containers.movie(tracks, kit.pcm()[: 2 * 96_000], length=96_000))


@makes("tracks-10000.ts")
def tracks_ts(kit: Kit, name: str) -> Path:
    """Announce fifty programmes of two hundred streams each."""
    return kit.write(name, containers.transport_stream(programs=50, streams=200))


@makes("cover-256mb.mp3")
def cover_mp3(kit: Kit, name: str) -> Path:
    """Put a cover of 256 MB before the sound, the most that a tag can hold."""
    frame = containers.id3_frame(b"APIC", TAG_BYTES - 10) + b"\0image/jpeg\0\3\0"
    head = containers.id3(TAG_BYTES) + frame
    return kit.sparse(name, head=head, hole_bytes=TAG_BYTES + 10 - len(head), tail=kit.talk("mp3"))


@makes("cover-300mb.m4a")
def cover_m4a(kit: Kit, name: str) -> Path:
    """Put a cover of 300 MB behind the sound."""
    talk = kit.talk("m4a", "-c:a", "aac")
    head = talk + (BIG_BYTES + 8).to_bytes(4, "big") + b"free"
    return kit.sparse(name, head=head, hole_bytes=BIG_BYTES - 1, tail=b"\0")


# --- headers that lie -------------------------------------------------------------------------------------------


@makes("length-0.wav")
def length_0(kit: Kit, name: str) -> Path:
    """Leave the lengths at 0, as a recorder that lost its power does."""
    return kit.write(name, containers.wav(kit.pcm(), data_bytes=0, riff_bytes=0))


@makes("length-ffffffff.wav")
def length_ones(kit: Kit, name: str) -> Path:
    """Claim all ones, as a program that writes into a pipe does."""
    return kit.write(name, containers.wav(kit.pcm(), data_bytes=0xFFFF_FFFF, riff_bytes=0xFFFF_FFFF))


@makes("length-3gb.wav")
def length_3gb(kit: Kit, name: str) -> Path:
    """Claim 3 GB where there are 400 kB."""
    return kit.write(name, containers.wav(kit.pcm(), data_bytes=0xC000_0000, riff_bytes=0xC000_0024))


@makes("rf64-true.wav")
def rf64_true(kit: Kit, name: str) -> Path:
    """Write the long form of WAV, with true lengths."""
    return kit.write(name, containers.rf64(kit.pcm(), data_bytes=len(kit.pcm())))


@makes("rf64-2-60.wav")
def rf64_lies(kit: Kit, name: str) -> Path:
    """Claim 2 to the power of 60 bytes in the long form of WAV."""
    return kit.write(name, containers.rf64(kit.pcm(), data_bytes=1 << 60))


def _form_lies(name: str, about: str, **form: int) -> None:
    def make(kit: Kit, name: str) -> Path:
        return kit.write(name, containers.wav(kit.pcm(), form=containers.wav_form(**form)))

    make.__doc__ = about
    makes(name)(make)


_form_lies("rate-96000.wav", "Claim six times the true sample rate.", rate=96_000)
_form_lies("rate-2-31.wav", "Claim two thousand million samples per second.", rate=0x7FFF_FFFF)
_form_lies("rate-0.wav", "Claim no samples per second.", rate=0)
_form_lies("channels-2.wav", "Claim two channels where there is one.", channels=2)
_form_lies("channels-0.wav", "Claim no channel.", channels=0)
_form_lies("channels-65535.wav", "Claim 65,535 channels.", channels=65_535)
_form_lies("bits-0.wav", "Claim samples of no bits.", bits=0)
_form_lies("bits-65535.wav", "Claim samples of 65,535 bits.", bits=65_535)
_form_lies("codec-unknown.wav", "Claim a codec that nobody knows.", tag=0xABCD)


def _with_xing_frames(content: bytes, frames: int) -> bytes:
    at = max(content.find(b"Xing"), content.find(b"Info"))
    return content[: at + 8] + frames.to_bytes(4, "big") + content[at + 12 :]


@makes("xing-few.mp3")
def xing_few(kit: Kit, name: str) -> Path:
    """Claim ten frames in the header of an mp3."""
    return kit.write(name, _with_xing_frames(kit.talk("mp3"), 10))


@makes("xing-many.mp3")
def xing_many(kit: Kit, name: str) -> Path:
    """Claim ten times the frames."""
    return kit.write(name, _with_xing_frames(kit.talk("mp3"), 3_000))


@makes("xing-ffffffff.mp3")
def xing_ones(kit: Kit, name: str) -> Path:
    """Claim all ones for the frames."""
    return kit.write(name, _with_xing_frames(kit.talk("mp3"), 0xFFFF_FFFF))


def _with_flac_total(content: bytes, samples: int) -> bytes:
    facts = int.from_bytes(content[18:26], "big") >> 36 << 36 | samples
    return content[:18] + facts.to_bytes(8, "big") + content[26:]


@makes("total-0.flac")
def total_0(kit: Kit, name: str) -> Path:
    """Say nothing of the length, as an encoder of a live stream does."""
    return kit.write(name, _with_flac_total(kit.talk("flac"), 0))


@makes("total-few.flac")
def total_few(kit: Kit, name: str) -> Path:
    """Claim a tenth of a second."""
    return kit.write(name, _with_flac_total(kit.talk("flac"), 1_600))


@makes("total-most.flac")
def total_most(kit: Kit, name: str) -> Path:
    """Claim the longest there can be, fifty days."""
    return kit.write(name, _with_flac_total(kit.talk("flac"), (1 << 36) - 1))


@makes("movie-length.m4a")
def movie_length(kit: Kit, name: str) -> Path:
    """Claim thirty thousand hours in the header of an m4a."""
    talk = kit.talk("m4a", "-c:a", "aac")
    at = talk.index(b"mvhd") + 4 + 16
    return kit.write(name, talk[:at] + (0x7FFF_FFFF).to_bytes(4, "big") + talk[at + 4 :])


@makes("tag-256mb.mp3")
def tag_lies(kit: Kit, name: str) -> Path:
    """Claim a tag of 256 MB where there is none, so that the sound would lie behind the end."""
    return kit.write(name, containers.id3(TAG_BYTES) + kit.talk("mp3"))


# --- damage -----------------------------------------------------------------------------------------------------


def _flipped(name: str, about: str, *options: str, ending: str, **places: int) -> None:
    def make(kit: Kit, name: str) -> Path:
        return kit.write(name, _spoiled(kit.talk(ending, *options), seed=7, **places))

    make.__doc__ = about
    makes(name)(make)


_flipped("flips.mp3", "Overwrite 60 bytes of an mp3.", ending="mp3", times=60, start=500)
_flipped(
    "flips.m4a", "Overwrite 60 bytes of an m4a's sound.", "-c:a", "aac", ending="m4a", times=60, start=50, end=60_000
)
_flipped("flips.flac", "Overwrite 40 bytes of a FLAC.", ending="flac", times=40, start=9_000)
_flipped("flips.ogg", "Overwrite 40 bytes of an Ogg.", "-c:a", "libopus", ending="ogg", times=40, start=5_000)
_flipped("flips.mkv", "Overwrite 40 bytes of a Matroska.", "-c:a", "aac", ending="mkv", times=40, start=5_000)
_flipped("flips.wma", "Overwrite 40 bytes of a WMA.", ending="wma", times=40, start=6_000)
_flipped("flips-header.mp3", "Overwrite 30 of an mp3's first 300 bytes.", ending="mp3", times=30, start=0, end=300)
_flipped("flips-header.wav", "Overwrite 12 bytes of a WAV's header.", ending="wav", times=12, start=4, end=44)


@makes("flips-header.m4a")
def flips_header(kit: Kit, name: str) -> Path:
    """Overwrite 60 bytes of an m4a's table of contents."""
    talk = kit.talk("m4a", "-c:a", "aac")
    return kit.write(name, _spoiled(talk, seed=8, times=60, start=talk.index(b"moov"), end=len(talk)))


@makes("zeros-inside.mp3")
def zeros_inside(kit: Kit, name: str) -> Path:
    """Replace a quarter of an mp3 by zeros, as a failing disk does."""
    talk = kit.talk("mp3")
    third = len(talk) // 3
    return kit.write(name, talk[:third] + bytes(len(talk) // 4) + talk[third + len(talk) // 4 :])


def _cut(name: str, about: str, *options: str, ending: str, share: float = 0.6) -> None:
    def make(kit: Kit, name: str) -> Path:
        return kit.write(name, _part(kit.talk(ending, *options), share))

    make.__doc__ = about
    makes(name)(make)


_AAC = ("-c:a", "aac")
_cut("cut.mp3", "Copy only 60 % of an mp3.", ending="mp3")
_cut("cut.wav", "Copy only 60 % of a WAV.", ending="wav")
_cut("cut.flac", "Copy only 60 % of a FLAC.", ending="flac")
_cut("cut.ogg", "Copy only 60 % of an Ogg, which never says how long it is.", "-c:a", "libopus", ending="ogg")
_cut("cut.mkv", "Copy only 60 % of a Matroska.", *_AAC, ending="mkv")
_cut("cut.wma", "Copy only 60 % of a WMA.", ending="wma")
_cut("cut.aiff", "Copy only 60 % of an AIFF.", ending="aiff")
_cut("cut.caf", "Copy only 60 % of a CAF.", "-c:a", "pcm_s16le", ending="caf")
_cut("cut.w64", "Copy only 60 % of a Wave64.", ending="w64")
_cut(
    "cut-books-first.m4a",
    "Copy only 60 % of an m4a with its table of contents in front.",
    *_AAC,
    "-movflags",
    "+faststart",
    ending="m4a",
)
_cut("cut-books-last.m4a", "Copy only 60 % of an m4a with its table of contents at the end.", *_AAC, ending="m4a")
_cut("cut-last-word.mp3", "Lose the last 3 % of an mp3.", ending="mp3", share=0.97)


# --- nothing in it ----------------------------------------------------------------------------------------------


@makes("zero-bytes.mp3")
def zero_bytes(kit: Kit, name: str) -> Path:
    """Make a file of no bytes."""
    return kit.write(name, b"")


@makes("one-byte.m4a")
def one_byte(kit: Kit, name: str) -> Path:
    """Make a file of one byte."""
    return kit.write(name, b"\0")


@makes("no-samples.wav")
def no_samples_wav(kit: Kit, name: str) -> Path:
    """Make a WAV of 0 seconds."""
    return kit.write(name, containers.wav(b""))


@makes("no-samples.flac")
def no_samples_flac(kit: Kit, name: str) -> Path:
    """Make a FLAC that has a header and nothing else."""
    return kit.write(name, _with_flac_total(kit.talk("flac"), 0)[:42].replace(b"fLaC\0", b"fLaC\x80"))


@makes("no-samples.mov")
def no_samples_mov(kit: Kit, name: str) -> Path:
    """Make a QuickTime file whose only track holds nothing."""
    return kit.write(name, containers.movie([containers.pcm_track(frames=0, sound_at=containers.SOUND_AT)]))


@makes("ten-ms.mp3")
def ten_ms(kit: Kit, name: str) -> Path:
    """Make an mp3 of a hundredth of a second."""
    return kit.write(name, kit.talk("mp3", "-t", "0.01"))


@makes("film.mp4")
def film(kit: Kit, name: str) -> Path:
    """Make a film without sound."""
    path = kit.folder / name
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64:d=2:r=5", "-c:v", "mpeg4", path)
    return path


@makes("cover-only.mp3")
def cover_only(kit: Kit, name: str) -> Path:
    """Make an mp3 of a tag with a picture, without a single frame."""
    picture = run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", "-c:v", "mjpeg", "-f", "mjpeg", "-")
    frame = b"\0image/jpeg\0\3\0" + picture
    tag = containers.id3_frame(b"APIC", len(frame)) + frame
    return kit.write(name, containers.id3(len(tag)) + tag)


# --- no recordings ----------------------------------------------------------------------------------------------

_FOREIGN: Sequence[tuple[str, str, bytes]] = (
    ("text.mp3", "Name a text .mp3.", b"Dear diary, this is no mp3 at all.\n" * 400),
    ("page.mp3", "Name a web page .mp3, as a failed download is.", b"<!DOCTYPE html><html>404 not found</html>\n" * 50),
    ("archive.m4a", "Name a ZIP archive .m4a.", b"PK\x03\x04" + random.Random(3).randbytes(20_000)),
    ("picture.wav", "Name a picture .wav.", b"\x89PNG\r\n\x1a\n" + random.Random(4).randbytes(20_000)),
    ("program.ogg", "Name a program .ogg.", b"\x7fELF" + random.Random(5).randbytes(20_000)),
    ("random.mp3", "Fill a file with random bytes.", random.Random(6).randbytes(500_000)),
    ("nuls.m4a", "Fill a file with zeros.", bytes(500_000)),
)


def _foreign(name: str, about: str, content: bytes) -> None:
    def make(kit: Kit, name: str) -> Path:
        return kit.write(name, content)

    make.__doc__ = about
    makes(name)(make)


for _name, _about, _content in _FOREIGN:
    _foreign(_name, _about, _content)


# --- odd, and good ----------------------------------------------------------------------------------------------


@makes("192khz-8ch-float.wav")
def extreme(kit: Kit, name: str) -> Path:
    """Record eight channels of 32-bit floats at 192 kHz."""
    pan = "pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0"
    return kit.write(name, kit.talk("wav", "-t", "3", "-af", pan, "-ar", "192000", "-c:a", "pcm_f32le"))


@makes("m4a-named.mp3")
def m4a_named_mp3(kit: Kit, name: str) -> Path:
    """Name an m4a .mp3."""
    return kit.write(name, kit.talk("m4a", "-c:a", "aac"))


@makes("trailing.mp3")
def trailing(kit: Kit, name: str) -> Path:
    """Append a text and random bytes to an mp3."""
    return kit.write(name, kit.talk("mp3") + b"TAG and more\n" * 99 + random.Random(9).randbytes(9_000))


def said(words: Sequence[PlacedWord]) -> set[str]:
    """Give the words as they are written."""
    return {word.text for word in words}


def make_all(kit: Kit) -> dict[str, Path]:
    """Make every file."""
    return {name: make(kit, name) for name, make in FILES.items()}


def clear(kit: Kit) -> None:
    """Remove what was made."""
    shutil.rmtree(kit.folder)
