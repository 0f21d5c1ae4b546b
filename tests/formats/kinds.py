"""Every kind of recording that people have: who makes it, and how to make one here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.formats import framing
from tests.formats.workshop import Workshop, run
from tests.sound.speech import PlacedWord

Recipe = Callable[[Workshop, Path], object]

_WRAP_S: Final = 2**33 / 90_000
"""After 26.5 hours the clock of an MPEG stream begins anew (ISO/IEC 13818-1, 2.4.3.7)."""

_LATE_S: Final = 2.5
_FAST_CLOCK: Final = 1.0003
"""A sound card's clock and a computer's differ by so much or less."""

_JOINT: Final = 0.7
"""Where, of a recording's length, a recorder began a new file or anew to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of recording.

    Attributes:
        made_by: programs and devices that make it, as people know them.
        file_name: what such a file is called here.
        holds: container and codec.
        make: writes it.
        starts_ms: how much later everything is than in the base.
        clock: how much faster its clock runs than the base's.
        joint_ms: how much is played at the joint of two parts that was in neither of them.
        is_rough: whether the codec damages the tones that words are made of, so that some words are known only by
            their times.
        remark: what is special about it.
    """

    name: str
    made_by: str
    file_name: str
    holds: str
    make: Recipe
    starts_ms: int = 0
    clock: float = 1.0
    joint_ms: int = 0
    is_rough: bool = False
    remark: str = ""

    def truth(self, words: Sequence[PlacedWord]) -> tuple[PlacedWord, ...]:
        """Place the base's words where this recording has them."""
        joint_ms = _JOINT * words[-1].end_ms
        return tuple(self._moved(word, self.joint_ms * (word.start_ms > joint_ms)) for word in words)

    def _moved(self, word: PlacedWord, by_ms: int) -> PlacedWord:
        start_ms = round(word.start_ms * self.clock) + self.starts_ms + by_ms
        return replace(word, start_ms=start_ms, end_ms=start_ms + word.end_ms - word.start_ms)


# --- recipes ------------------------------------------------------------------------------------------------


def encoded(*arguments: str) -> Recipe:
    """Encode the base."""
    return lambda shop, target: run("-i", shop.base, *arguments, target)


def rewrapped(coding: str, *arguments: str) -> Recipe:
    """Put the packets of a coding into another container."""
    return lambda shop, target: run("-i", shop.coded(coding), "-map", "0:a", "-c", "copy", *arguments, target)


def filmed(coding: str, *arguments: str) -> Recipe:
    """Put the packets of a coding beside a film."""

    def make(shop: Workshop, target: Path) -> object:
        both = ("-i", shop.film, "-i", shop.coded(coding), "-map", "0:v", "-map", "1:a")
        return run(*both, "-c", "copy", *arguments, target)

    return make


def shown(coding: str, *arguments: str, late_s: float = 0.0) -> Recipe:
    """Put the packets of a coding beside slides."""

    def make(shop: Workshop, target: Path) -> object:
        sound = ("-itsoffset", str(late_s), "-i", shop.coded(coding))
        return run("-i", shop.slides, *sound, "-map", "0:v", "-map", "1:a", "-c", "copy", *arguments, target)

    return make


def taken(shop: Workshop, target: Path) -> object:
    """Take the base as it is."""
    return os.link(shop.base, target)


def holed(coding: str, *arguments: str) -> Recipe:
    """Leave out the packets of two silences of a fifth of the length, as recorders that wait for a voice do."""

    def make(shop: Workshop, target: Path) -> object:
        fifth_s = shop.length_ms / 5000
        drop = "+".join(rf"between(pts*tb\,{start * fifth_s}\,{(start + 1) * fifth_s})" for start in (1, 3.2))
        return rewrapped(coding, "-bsf:a", f"noise=drop='{drop}'", *arguments)(shop, target)

    return make


def wrapping(coding: str, *arguments: str) -> Recipe:
    """Let the clock of an MPEG stream begin anew after two thirds."""

    def make(shop: Workshop, target: Path) -> object:
        offset_s = _WRAP_S - shop.length_ms / 1500
        return rewrapped(coding, "-output_ts_offset", f"{offset_s:.3f}", *arguments)(shop, target)

    return make


def joined(make_part: Callable[[str], tuple[str, ...]]) -> Recipe:
    """Write two files, each with times of its own, one behind the other: what `cat` makes of a camera's parts."""

    def make(shop: Workshop, target: Path) -> object:
        joint_s = str(shop.length_ms * _JOINT / 1000)
        parts = []
        for number, cut in enumerate((("-t", joint_s), ("-ss", joint_s))):
            part = target.with_name(f"part-{number}-{target.name}")
            parts.append(run(*cut, "-i", shop.base, *make_part(target.suffix), part))
        with target.open("wb") as whole:
            for part in parts:
                whole.write(part.read_bytes())
                part.unlink()
        return target

    return make


def covered(shop: Workshop, target: Path) -> object:
    """Give an mp3 a title and a picture."""
    both = ("-i", shop.coded("vbr.mp3"), "-i", shop.cover, "-map", "0:a", "-map", "1:v", "-c", "copy")
    return run(*both, "-disposition:v", "attached_pic", "-id3v2_version", "4", "-metadata", "title=a talk", target)


def by_hand(write: Callable[..., object]) -> Recipe:
    """Put a file together without ffmpeg."""
    return lambda shop, target: write(target, length_ms=shop.length_ms)


# --- the kinds ----------------------------------------------------------------------------------------------

_PHONES: Final = (
    Kind(
        name="m4a",
        made_by="iPhone voice memos; most recording apps",
        file_name="memo.m4a",
        holds="m4a, AAC",
        make=rewrapped("aac.m4a", "-movflags", "+faststart"),
        remark="an edit list tells the encoder's delay",
    ),
    Kind(
        name="m4a-alac",
        made_by="iPhone voice memos, lossless",
        file_name="memo-lossless.m4a",
        holds="m4a, ALAC",
        make=rewrapped("alac.m4a"),
    ),
    Kind(
        name="m4a-fragmented",
        made_by="Android and web recorders",
        file_name="fragments.m4a",
        holds="fragmented mp4, AAC",
        make=rewrapped("aac.m4a", "-movflags", "+frag_keyframe+empty_moov", "-frag_duration", "2000000", "-f", "mp4"),
        remark="no table of samples, so that it is read once to be measured",
    ),
    Kind(
        name="caf-pcm",
        made_by="Mac and iPhone apps",
        file_name="take.caf",
        holds="caf, PCM",
        make=encoded("-c:a", "pcm_s16le"),
    ),
    Kind(
        name="caf-alac",
        made_by="Mac and iPhone apps",
        file_name="take-lossless.caf",
        holds="caf, ALAC",
        make=rewrapped("alac.m4a"),
    ),
    Kind(
        name="caf-aac",
        made_by="iMessage and iPhone apps",
        file_name="take-small.caf",
        holds="caf, AAC",
        make=lambda shop, target: framing.write_caf_aac(shop.coded("aac.m4a"), target),
        remark="a table of packets tells the encoder's delay",
    ),
    Kind(
        name="3gp",
        made_by="older Android phones",
        file_name="sound.3gp",
        holds="3gp, AMR-NB",
        make=rewrapped("amr.amr"),
    ),
    Kind(
        name="amr",
        made_by="older phones, call recorders",
        file_name="call.amr",
        holds="amr, AMR-NB",
        make=rewrapped("amr.amr"),
    ),
    Kind(
        name="amr-wb",
        made_by="older phones, HD calls",
        file_name="call-hd.amr",
        holds="amr, AMR-WB",
        make=by_hand(framing.write_amr_wb),
        is_rough=True,
        remark="the file is put together from frames of another encoder",
    ),
    Kind(
        name="opus",
        made_by="WhatsApp voice messages",
        file_name="PTT-20261123-WA0001.opus",
        holds="ogg, Opus",
        make=rewrapped("opus.ogg"),
    ),
    Kind(
        name="oga",
        made_by="Telegram voice messages",
        file_name="audio_1@23-11-2026.oga",
        holds="ogg, Opus",
        make=rewrapped("opus.ogg"),
    ),
    Kind(
        name="adts",
        made_by="radio and Android recorders",
        file_name="stream.aac",
        holds="adts, AAC",
        make=rewrapped("aac.m4a"),
        remark="does not tell the encoder's delay",
    ),
)

_MEETINGS: Final = (
    Kind(
        name="zoom-m4a",
        made_by="Zoom, sound only",
        file_name="audio_only.m4a",
        holds="m4a, AAC 32 kHz",
        make=encoded("-ar", "32000", "-c:a", "aac", "-aac_coder", "fast", "-b:a", "64k"),
    ),
    Kind(
        name="mp4",
        made_by="Zoom, Teams, Meet, cameras",
        file_name="meeting.mp4",
        holds="mp4, AAC beside a picture",
        make=shown("aac.m4a", "-movflags", "+faststart"),
    ),
    Kind(
        name="mp4-late",
        made_by="screen recorders",
        file_name="late.mp4",
        holds="mp4, AAC beside a picture",
        make=shown("aac.m4a", late_s=_LATE_S),
        starts_ms=round(_LATE_S * 1000),
        remark="the sound begins 2.5 s after the picture",
    ),
    Kind(
        name="mov",
        made_by="QuickTime, cameras",
        file_name="clip.mov",
        holds="mov, PCM beside a picture",
        make=lambda shop, target: run(
            "-i", shop.slides, "-i", shop.base, "-map", "0:v", "-map", "1:a", "-c", "copy", target
        ),
    ),
    Kind(
        name="mkv",
        made_by="OBS",
        file_name="2026-11-23 10-00-00.mkv",
        holds="mkv, AAC beside a picture",
        make=shown("aac.m4a"),
        remark="times are rounded to 1 ms",
    ),
    Kind(
        name="mkv-jitter",
        made_by="capture tools",
        file_name="jitter.mkv",
        holds="mkv, AAC",
        make=rewrapped("aac.m4a", "-bsf:a", "setts=ts='TS+(mod(N*7,19)-9)*0.001/TB'"),
        remark="every packet's time is wrong by up to 9 ms",
    ),
    Kind(
        name="webm",
        made_by="browsers",
        file_name="recording.webm",
        holds="webm, Opus",
        make=rewrapped("opus.ogg"),
    ),
    Kind(
        name="webm-holes",
        made_by="browsers and apps that leave silence out",
        file_name="holes.webm",
        holds="webm, Opus",
        make=holed("opus.ogg"),
        remark="two fifths of the time have no packets",
    ),
    Kind(
        name="webm-drift",
        made_by="browsers, conference recorders",
        file_name="drift.webm",
        holds="webm, Opus",
        make=rewrapped("opus.ogg", "-bsf:a", f"setts=ts=TS*{_FAST_CLOCK}"),
        clock=_FAST_CLOCK,
        remark="the clock of the times and that of the sound differ by 1 second in an hour",
    ),
    Kind(
        name="mka",
        made_by="mkvtoolnix, archives",
        file_name="sound.mka",
        holds="mka, Vorbis",
        make=rewrapped("vorbis.ogg"),
    ),
    Kind(
        name="flv",
        made_by="streaming servers",
        file_name="stream.flv",
        holds="flv, AAC",
        make=rewrapped("aac.m4a"),
    ),
    Kind(
        name="avi",
        made_by="older cameras and screen recorders",
        file_name="clip.avi",
        holds="avi, mp3 beside a picture",
        make=shown("cbr.mp3"),
    ),
)

_RECORDERS: Final = (
    Kind(name="wav", made_by="recorders of all kinds", file_name="talk.wav", holds="wav, 16 bits", make=taken),
    Kind(
        name="wav-24",
        made_by="studio recorders",
        file_name="studio.wav",
        holds="wav (extensible), 24 bits",
        make=encoded("-c:a", "pcm_s24le"),
    ),
    Kind(
        name="wav-float",
        made_by="field recorders (32-bit float)",
        file_name="float.wav",
        holds="wav, 32-bit float",
        make=encoded("-c:a", "pcm_f32le"),
    ),
    Kind(
        name="wav-adpcm",
        made_by="dictaphones",
        file_name="dictation.wav",
        holds="wav, IMA ADPCM",
        make=encoded("-ar", "8000", "-c:a", "adpcm_ima_wav"),
    ),
    Kind(
        name="wav-alaw",
        made_by="telephone systems",
        file_name="phone.wav",
        holds="wav, A-law",
        make=encoded("-ar", "8000", "-c:a", "pcm_alaw"),
    ),
    Kind(
        name="w64",
        made_by="studio software (Sony Wave64)",
        file_name="studio.w64",
        holds="w64, 16 bits",
        make=encoded("-c:a", "pcm_s16le"),
    ),
    Kind(
        name="rf64",
        made_by="field recorders beyond 4 GiB",
        file_name="eight.wav",
        holds="RF64, 8 channels of float",
        make=by_hand(framing.write_rf64),
        remark="11 GB in two hours",
    ),
    Kind(
        name="aiff",
        made_by="Mac studio software",
        file_name="talk.aiff",
        holds="aiff, 16 bits",
        make=encoded("-c:a", "pcm_s16be"),
    ),
    Kind(
        name="aifc",
        made_by="Mac software, CD rippers",
        file_name="talk.aifc",
        holds="aifc (sowt)",
        make=encoded("-c:a", "pcm_s16le", "-f", "aiff"),
    ),
    Kind(
        name="flac",
        made_by="recorders, archives",
        file_name="talk.flac",
        holds="flac",
        make=rewrapped("flac.flac"),
    ),
    Kind(
        name="wavpack",
        made_by="archives",
        file_name="talk.wv",
        holds="WavPack",
        make=encoded("-c:a", "wavpack", "-compression_level", "0"),
    ),
    Kind(
        name="wma",
        made_by="dictaphones, older Windows",
        file_name="DS_0001.wma",
        holds="wma (asf), WMA 2",
        make=rewrapped("wma.wma"),
        remark="does not tell the encoder's delay",
    ),
    Kind(
        name="ogg",
        made_by="Audacity, Linux recorders",
        file_name="talk.ogg",
        holds="ogg, Vorbis",
        make=rewrapped("vorbis.ogg"),
    ),
    Kind(
        name="speex",
        made_by="older voice mail and chat",
        file_name="mail.spx",
        holds="ogg, Speex",
        make=by_hand(framing.write_speex),
        remark="the file is put together from packets of another encoder",
    ),
    Kind(
        name="mp3-cbr",
        made_by="dictaphones, editors",
        file_name="cbr.mp3",
        holds="mp3, constant bit rate",
        make=rewrapped("cbr.mp3"),
    ),
    Kind(
        name="mp3-vbr",
        made_by="editors, podcasts",
        file_name="vbr.mp3",
        holds="mp3, variable bit rate",
        make=rewrapped("vbr.mp3"),
    ),
    Kind(
        name="mp3-no-xing",
        made_by="dictaphones, streams",
        file_name="bare.mp3",
        holds="mp3, variable, without a Xing header",
        make=rewrapped("vbr.mp3", "-write_xing", "0"),
        remark="neither the length nor the encoder's delay is told",
    ),
    Kind(
        name="mp3-cover",
        made_by="podcasts",
        file_name="episode.mp3",
        holds="mp3 with ID3v2.4 tags and a cover",
        make=covered,
    ),
    Kind(
        name="ac3",
        made_by="film tools",
        file_name="film.ac3",
        holds="ac3",
        make=rewrapped("ac3.ac3"),
        remark="does not tell the encoder's delay",
    ),
)

_FILMS: Final = (
    Kind(
        name="vob",
        made_by="DVD recorders, camcorders",
        file_name="VTS_01_1.VOB",
        holds="MPEG programme stream, AC-3 beside a picture",
        make=filmed("ac3.ac3", "-f", "vob"),
    ),
    Kind(
        name="mpg",
        made_by="TV cards, older cameras",
        file_name="film.mpg",
        holds="MPEG programme stream, MP2 beside a picture",
        make=filmed("mp2.mp2", "-f", "mpeg"),
    ),
    Kind(
        name="mts",
        made_by="AVCHD camcorders",
        file_name="00001.MTS",
        holds="m2ts, AC-3 beside a picture",
        make=filmed("ac3.ac3", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    ),
    Kind(
        name="ts",
        made_by="TV recorders, HLS downloads",
        file_name="broadcast.ts",
        holds="MPEG transport stream, AAC",
        make=rewrapped("aac.m4a"),
        remark="does not tell the encoder's delay",
    ),
    Kind(
        name="ts-wrap",
        made_by="TV recorders",
        file_name="wrap.ts",
        holds="MPEG transport stream, MP2",
        make=wrapping("mp2.mp2"),
        remark="its clock begins anew (every 26.5 hours) two thirds into the recording",
    ),
    Kind(
        name="ts-joined",
        made_by="camcorder parts joined with cat",
        file_name="joined.ts",
        holds="MPEG transport stream, AC-3",
        make=joined(lambda _: ("-ar", "48000", "-c:a", "ac3", "-b:a", "96k")),
        remark="its clock begins anew at the joint",
    ),
    Kind(
        name="vob-joined",
        made_by="DVD recorders, several titles in one file",
        file_name="joined.vob",
        holds="MPEG programme stream, MP2",
        make=joined(lambda _: ("-ar", "48000", "-c:a", "mp2", "-b:a", "64k", "-f", "vob")),
        remark="its clock begins anew at the joint",
    ),
    Kind(
        name="mp3-joined",
        made_by="dictaphone parts joined with cat",
        file_name="joined.mp3",
        holds="mp3, variable, two files in one",
        make=joined(lambda _: ("-ar", "44100", "-c:a", "libmp3lame", "-q:a", "6", "-compression_level", "9")),
        joint_ms=65,
        remark="its header tells the length of the first part only; at the joint, players play the encoder's padding",
    ),
)

KINDS: Final = (*_PHONES, *_MEETINGS, *_RECORDERS, *_FILMS)
