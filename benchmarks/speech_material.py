"""Speech of people and of synthetic voices, with its text and its times, and sounds that are no speech.

Human speech: telephone prompts in five languages (Debian's `asterisk-core-sounds-*-g722`, CC-BY-SA 3.0) and lines read
for LibriVox (`pocketsphinx-testdata`). Synthetic: espeak-ng in other languages, and whispering. Music: what telephone
exchanges play (`asterisk-moh-opsound-g722`). The packages are fetched with `apt-get download` and unpacked into the
cache folder; nothing is installed, nothing of it is in this project. Needs Debian or Ubuntu with apt's lists
(`apt-get update`), and dpkg.
"""

from __future__ import annotations

import gzip
import os
import platform
import random
import re
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]

RATE_HZ: Final = 16_000
HUMAN: Final = ("en", "es", "fr", "it", "ru")
SYNTHETIC: Final = ("lv", "de", "pl", "hi", "cmn", "ar", "sw")
WHISPERED: Final = ("en+whisper", "en+whisperf", "lv+whisper", "de+whisper")

_PACKAGES: Final = (
    *(f"asterisk-core-sounds-{language}-g722" for language in HUMAN),
    *("asterisk-core-sounds-en", "asterisk-moh-opsound-g722", "pocketsphinx-testdata"),
    *(
        "espeak-ng",
        "espeak-ng-data",
        "libespeak-ng1",
        "libsonic0",
        "libpcaudio0",
        "libpulse0",
        "libsndfile1",
        "libasyncns0",
    ),
    *("libogg0", "libflac12", "libmp3lame0", "libmpg123-0", "libopus0", "libvorbis0a", "libvorbisenc2"),
)
_NO_WORDS: Final = ("silence", "tone", "beep", "moh", "letters/", "phonetic/", "tt-monkeys")

# Two sentences of everyday talk in each language, so that every voice has its own sounds. Written for this project.
_SENTENCES: Final = {
    "lv": ("Labdien, šodien mēs runāsim par skolas jumtu un ziemas darbiem.", "Vai kādam ir jautājumi par naudu?"),
    "de": ("Guten Abend, wir sprechen heute über das Dach der Schule.", "Hat jemand noch eine Frage zum Geld?"),
    "pl": ("Dobry wieczór, dzisiaj rozmawiamy o dachu naszej szkoły.", "Czy ktoś ma jeszcze pytanie o pieniądze?"),
    "hi": ("नमस्ते, आज हम स्कूल की छत के बारे में बात करेंगे।", "क्या किसी का कोई सवाल है?"),
    "cmn": ("大家晚上好,今天我们要谈谈学校的屋顶。", "还有人有问题吗?"),
    "ar": ("مساء الخير، سنتحدث اليوم عن سقف المدرسة.", "هل لدى أحدكم سؤال؟"),
    "sw": ("Habari za jioni, leo tutazungumza kuhusu paa la shule yetu.", "Je, kuna mtu ana swali?"),
    "en": ("Good evening, today we are going to talk about the roof of the school.", "Does anybody have a question?"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """Somebody saying something; `text` is empty where nobody wrote it down."""

    sound: Samples
    language: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A clip in a recording: when, and what."""

    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A recording at 16 kHz mono.

    Attributes:
        said: the clips in it, in order.
        audible: for every 10 ms whether the clean speech alone was to be heard.
    """

    sound: Samples
    said: tuple[Said, ...]
    audible: npt.NDArray[np.bool_]

    @property
    def duration_ms(self) -> int:
        """How long it is."""
        return len(self.sound) * 1000 // RATE_HZ


# --- the clips --------------------------------------------------------------------------------------------------------


def fetch(folder: Path) -> Path:
    """Give the folder with the unpacked packages; fetch and unpack them where that was not done before."""
    root, debs = folder / "root", folder / "debs"
    if not (root / "whole").exists():
        debs.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *_PACKAGES], cwd=debs, check=True
        )
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)
        (root / "whole").touch()
    return root


@cache
def prompts(root: Path, language: str) -> tuple[Clip, ...]:
    """Give the telephone prompts of a language, without the silence around them."""
    (folder,) = (root / "usr/share/asterisk/sounds").glob(f"{language}_*_*")
    texts = _texts(root) if language == "en" else {}
    paths = sorted(folder.rglob("*.g722"))
    named = [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in paths]
    chosen = [(name, path) for name, path in named if not any(part in name for part in _NO_WORDS)]
    sounds = [(name, _trimmed(sound)) for (name, path), sound in zip(chosen, _decode_all(chosen), strict=True)]
    fitting = [(name, sound) for name, sound in sounds if 0.3 * RATE_HZ < len(sound) < 20 * RATE_HZ]
    return tuple(Clip(sound=sound, language=language, text=texts.get(name, "")) for name, sound in fitting)


@cache
def readings(root: Path) -> tuple[Clip, ...]:
    """Give lines that a volunteer read from a novel, with their text."""
    folder = root / "usr/share/pocketsphinx/test/data/librivox"
    lines = re.findall(r"<s> (.*) </s> \((.*)\)", (folder / "transcription").read_text("utf-8"))
    return tuple(Clip(sound=_trimmed(_wav(folder / f"{name}.wav")), language="en", text=text) for text, name in lines)


@cache
def voices(root: Path, voice: str) -> tuple[Clip, ...]:
    """Let espeak-ng say a few sentences with a voice such as `lv` or `en+whisper`, at three speeds."""
    sentences = _SENTENCES[voice.partition("+")[0]]
    said = [(sentence, speed) for sentence in sentences for speed in (140, 165, 190)]
    return tuple(
        Clip(sound=_spoken(root, sentence, voice=voice, speed=speed), language=voice, text=sentence)
        for sentence, speed in said
    )


def _spoken(root: Path, sentence: str, *, voice: str, speed: int) -> Samples:
    libraries = root / "usr/lib" / f"{platform.machine()}-linux-gnu"
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": f"{libraries}:{libraries}/pulseaudio",
        "ESPEAK_DATA_PATH": str(libraries),
    }
    command = [str(root / "usr/bin/espeak-ng"), "-v", voice, "-s", str(speed), "--stdout", sentence]
    wav = subprocess.run(command, env=environment, check=True, capture_output=True).stdout
    return _trimmed(decode("-i", "pipe:0", sent=wav))


def _texts(root: Path) -> dict[str, str]:
    packed = (root / "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz").read_bytes()
    listed = gzip.decompress(packed).decode("utf-8")
    found = re.findall(r"^([\w/-]+):\s*(.+)$", listed, re.MULTILINE)
    return {name: text for name, text in found if not re.search(r"[\[\d]", text)}


def _decode_all(named: Sequence[tuple[str, Path]]) -> list[Samples]:
    """Decode many files with one ffmpeg: starting one for each would take minutes. G.722 files are bare packets."""
    sizes = [path.stat().st_size for _, path in named]
    whole = decode("-f", "g722", "-i", "pipe:0", sent=b"".join(path.read_bytes() for _, path in named))
    ends = np.cumsum(sizes) * 2  # 64 kbit/s: two samples a byte
    return [sound.copy() for sound in np.split(whole, ends[:-1])]


def _wav(path: Path) -> Samples:
    with wave.open(str(path)) as opened:
        return np.frombuffer(opened.readframes(opened.getnframes()), "<i2")


def decode(*arguments: str, sent: bytes = b"") -> Samples:
    """Have ffmpeg decode something to 16 kHz mono."""
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        *arguments,
        "-ac",
        "1",
        "-ar",
        str(RATE_HZ),
        "-f",
        "s16le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, input=sent, check=True, capture_output=True).stdout, "<i2")


def _trimmed(sound: Samples) -> Samples:
    heard = np.flatnonzero(audible(sound))
    return sound[heard[0] * 160 : (heard[-1] + 1) * 160] if heard.size else sound[:0]


def audible(clean: Samples) -> npt.NDArray[np.bool_]:
    """Tell for every 10 ms of clean speech whether it is within 35 dB of the loudest; gaps of up to 80 ms count too."""
    frames = clean[: len(clean) // 160 * 160].reshape(-1, 160)
    levels = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1)
    if levels.size == 0:
        return np.zeros(0, np.bool_)
    loud = levels > max(levels.max() - 35, 15)
    return np.convolve(np.convolve(loud, np.ones(9), "same") > 0, np.ones(9), "same") >= 9


# --- the talks --------------------------------------------------------------------------------------------------------


def compose(
    clips: Sequence[Clip], *, minutes: float, seed: int, every_s: float | None = None, softest_db: float = -45
) -> Talk:
    """Have clips said one after another: like talk, with pauses mostly below a second, now and then up to four.

    Where `every_s` is given they come rarely, and between -18 dB and the softest level, of full scale.
    """
    chance = random.Random(seed)
    sound = np.zeros(int(minutes * 60 * RATE_HZ), np.float32)
    heard, said = np.zeros(len(sound) // 160, np.bool_), []
    order: list[Clip] = []
    at = RATE_HZ // 2
    while True:
        order = order or chance.sample(list(clips), len(clips))
        clip = order.pop()
        at = at // 160 * 160
        if at + len(clip.sound) + RATE_HZ > len(sound):
            return Talk(sound=_sixteen(sound), said=tuple(said), audible=heard)
        wished_db = chance.uniform(softest_db, -18) if every_s else chance.uniform(-28, -20)
        placed = clip.sound * _gain(clip.sound, wished_db)
        sound[at : at + len(placed)] += placed
        marks = audible(clip.sound)
        heard[at // 160 : at // 160 + len(marks)] = marks
        said.append(Said(start_ms=at // 16, end_ms=(at + len(placed)) // 16, text=clip.text))
        at += len(placed) + int(RATE_HZ * (chance.expovariate(1 / every_s) + 2 if every_s else _pause_s(chance)))


def mixed(talk: Talk, other: Floats, *, below_db: float) -> Talk:
    """Lay another sound under a talk, so many dB below the level of its speech."""
    spoken = talk.sound[: len(talk.audible) * 160].reshape(-1, 160)[talk.audible].astype(np.float64)
    gain = _rms(spoken) / max(_rms(other), 1e-9) * 10 ** (-below_db / 20)
    return Talk(sound=_sixteen(talk.sound + other[: len(talk.sound)] * gain), said=talk.said, audible=talk.audible)


def over(talk: Talk, other: Floats, *, level_db: float) -> Talk:
    """Lay another sound under a talk, at a level of its own in dB of full scale."""
    gain = 32768 * 10 ** (level_db / 20) / max(_rms(other), 1e-9)
    return Talk(sound=_sixteen(talk.sound + other[: len(talk.sound)] * gain), said=talk.said, audible=talk.audible)


def _pause_s(chance: random.Random) -> float:
    kind = chance.random()
    return chance.uniform(0.1, 0.4) if kind < 0.6 else chance.uniform(0.4, 1.0) if kind < 0.92 else chance.uniform(1, 4)


def _gain(sound: Samples, level_db: float) -> float:
    return 32768 * 10 ** (level_db / 20) / max(_rms(sound), 1e-9)


def _rms(sound: npt.NDArray[np.generic]) -> float:
    return float(np.sqrt(np.square(sound, dtype=np.float64).mean()))


def _sixteen(sound: npt.NDArray[np.floating]) -> Samples:
    return np.clip(sound, -32768, 32767).astype(np.int16)
