"""Where is speech? What the map of a recording gets right on real speech, noise and music, and what it costs.

Leaving silence out must lose no word: *kept* is the share of the audible speech, in 10 ms, that would be sent with
`audio.skip_silence_over_s: 10`; of talk, which has no such silences, if every silence were left out. Missing text must
not be claimed for music: *false holes* are stretches of sounds without speech that would be called speech without text,
if the transcript were empty.

    python -m benchmarks.speech_map --cache /var/tmp/voxtrald-benchmarks --write docs/quality.md

Beyond Python it needs Debian or Ubuntu: speech and music come from their packages, 70 MB, fetched with apt-get into the
cache folder and unpacked there, see `speech_material.py`. Takes three minutes.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks import speech_noises
from benchmarks.footprint import cpu_s
from benchmarks.quality_page import options, put
from benchmarks.reporting import write
from benchmarks.speech_material import (
    HUMAN,
    RATE_HZ,
    SYNTHETIC,
    WHISPERED,
    Samples,
    Talk,
    compose,
    fetch,
    mixed,
    over,
    prompts,
    readings,
    voices,
)
from tests.sound.formats import convert
from tests.sound.speech import write_wav
from voxtrald.audio import prepare
from voxtrald.audio.ffmpeg import Ffmpeg
from voxtrald.audio.finding import find_ffmpeg
from voxtrald.audio.listening import listen
from voxtrald.audio.probe import AudioSource, probe
from voxtrald.audio.speech import Meter, find_speech
from voxtrald.config.sections import AudioSettings
from voxtrald.stopping import Stop
from voxtrald.transcript.coverage import SpeechMap, silences
from voxtrald.transcript.inspecting import inspect
from voxtrald.transcript.model import Span, Transcript

SKIP_MS: Final = 10_000
MINUTES: Final = 5
SPARSE_MINUTES: Final = 15
COST_MINUTES: Final = 30


def map_of(sound: Samples) -> SpeechMap:
    """Listen to a sound at 16 kHz."""
    meter = Meter(rate_hz=RATE_HZ)
    for first in range(0, len(sound), 1 << 15):
        meter.feed(sound[first : first + (1 << 15)])
    return find_speech([meter.profile()], duration_ms=meter.heard_ms)


# --- the recordings ---------------------------------------------------------------------------------------------------


def talks(root: Path) -> Iterator[tuple[str, Talk]]:
    """Make recordings of talk: alone, in noise, over music, whispered, in several languages."""
    people = [clip for language in HUMAN for clip in prompts(root, language)]
    talk = compose(people, minutes=MINUTES, seed=6)

    def sound(name: str, minutes: float) -> npt.NDArray[np.float32]:
        return speech_noises.noise(name, minutes * 60, root=root)

    for language in HUMAN:
        clean = compose(prompts(root, language), minutes=MINUTES, seed=5)
        yield f"people, {language}", over(clean, sound("pink", MINUTES), level_db=-65)
    yield "a novel, read", over(compose(readings(root), minutes=1, seed=5), sound("pink", 1), level_db=-65)
    for below_db in (15, 10, 5, 0):
        yield f"people, pink noise {below_db} dB below", mixed(talk, sound("pink", MINUTES), below_db=below_db)
    yield "people, a fan 5 dB below", mixed(talk, sound("fan", MINUTES), below_db=5)
    yield "people, traffic 5 dB below", mixed(talk, sound("traffic", MINUTES), below_db=5)
    for number in range(1, 6):
        music = sound(f"music {number}", MINUTES)
        yield f"people, music {number} 10 dB below", mixed(talk, music, below_db=10)
    yield "people, an organ 10 dB below", mixed(talk, sound("organ", MINUTES), below_db=10)
    for voice in (*SYNTHETIC, *WHISPERED):
        quiet = over(compose(voices(root, voice), minutes=1, seed=5), sound("pink", 1), level_db=-65)
        yield f"espeak-ng, {voice}", quiet
    whispered = compose(voices(root, "en+whisper"), minutes=1, seed=5)
    yield "whispered, pink noise 10 dB below", mixed(whispered, sound("pink", 1), below_db=10)


def rare_talks(root: Path) -> Iterator[tuple[str, Talk]]:
    """Make long recordings in which somebody says something every 45 s, softly or loudly, over a background.

    The softest utterances are at -45 dB of full scale, and at least 8 dB above the background.
    """
    people = [clip for language in HUMAN for clip in prompts(root, language)]
    whispered = [clip for voice in WHISPERED for clip in voices(root, voice)]
    for name, noise, level_db in (
        ("digital silence", None, -90),
        ("a quiet room", "pink", -65),
        ("a fan", "fan", -50),
        ("clicks", "clicks", -50),
        ("traffic", "traffic", -45),
        ("noise that drifts by 20 dB", "drifting", -50),
        ("music", "music 2", -40),
        ("an organ", "organ", -40),
    ):
        talk = compose(
            [*people, *whispered], minutes=SPARSE_MINUTES, seed=8, every_s=43, softest_db=max(-45, level_db + 8)
        )
        if noise is None:
            yield name, talk
        else:
            background = speech_noises.noise(noise, SPARSE_MINUTES * 60, root=root)
            yield name, over(talk, background, level_db=level_db)


# --- the figures ------------------------------------------------------------------------------------------------------


def marks(spans: tuple[Span, ...], count: int) -> npt.NDArray[np.bool_]:
    """Mark 10 ms frames that lie in spans."""
    marked = np.zeros(count, np.bool_)
    for span in spans:
        marked[span.start_ms // 10 : span.end_ms // 10] = True
    return marked


def shares(talk: Talk, *, over_ms: int) -> tuple[float, float, float, float]:
    """Give in percent: speech that would be sent, speech in `maybe` and in `surely`, and the time that is sent."""
    speech, heard = map_of(talk.sound), talk.audible
    skipped = marks(silences(speech, over_ms=over_ms), heard.size)
    found = [~skipped[heard], marks(speech.maybe, heard.size)[heard], marks(speech.surely, heard.size)[heard], ~skipped]
    kept, maybe, surely, sent = (100 * float(part.mean()) for part in found)
    return kept, maybe, surely, sent


def false_alarms(name: str, root: Path) -> tuple[float, float, float]:
    """Give for a sound without speech in percent: `maybe`, `surely`, and what would be called a hole."""
    loud = speech_noises.noise(name, MINUTES * 60, root=root)
    sound = (loud * (1500 / float(np.sqrt(np.square(loud).mean())))).clip(-32768, 32767).astype(np.int16)
    speech = map_of(sound)
    empty = Transcript(text="", language=None, segments=(), duration_ms=speech.duration_ms)
    holes = [finding.span for finding in inspect(empty, speech=speech)]
    maybe, surely, called = (
        100 * sum(span.length_ms for span in spans) / speech.duration_ms
        for spans in (speech.maybe, speech.surely, holes)
    )
    return maybe, surely, called


def cost(root: Path) -> list[tuple[object, ...]]:
    """Measure CPU seconds per hour of audio; the least of three runs, because whatever else runs only adds."""
    people = [clip for language in HUMAN for clip in prompts(root, language)]
    talk = compose(people, minutes=COST_MINUTES, seed=9)
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        wav = write_wav(Path(folder) / "talk.wav", talk.sound)
        for name, *arguments in (("m4a", "-c:a", "aac"), ("mp3", "-c:a", "libmp3lame")):
            path = convert(wav, Path(folder) / f"talk.{name}", "-ac", "2", "-ar", "44100", "-b:a", "128k", *arguments)
            runs = [_cost_of(path) for _ in range(3)]
            rows.append((name, *map(min, zip(*runs, strict=True))))
    return rows


def _cost_of(path: Path) -> tuple[float, ...]:
    """Give per hour: listening alone, encoding alone, and encoding while listening."""
    with contextlib.closing(Ffmpeg(find_ffmpeg(), slots=1, stop=Stop())) as ffmpeg:
        source = probe(path, ffmpeg=ffmpeg)
        pieces = (
            partial(_listen, source, ffmpeg=ffmpeg),
            partial(_encode, source, ffmpeg=ffmpeg, meter=None),
            partial(_encode, source, ffmpeg=ffmpeg, meter=Meter()),
        )
        return tuple(_cpu_s(piece) * 60 / COST_MINUTES for piece in pieces)


def _listen(source: AudioSource, *, ffmpeg: Ffmpeg) -> None:
    meter = Meter()
    listen(source, ffmpeg=ffmpeg, feed=meter.feed_bytes)
    find_speech([meter.profile()], duration_ms=meter.heard_ms)


def _encode(source: AudioSource, *, ffmpeg: Ffmpeg, meter: Meter | None) -> None:
    audio = AudioSettings()
    prepare.encode_chunk(
        source,
        Span(start_ms=0, end_ms=COST_MINUTES * 60_000),
        target=source.path.with_name("chunk.mp3"),
        is_last=False,
        bitrate_kbps=audio.bitrate_kbps,
        sample_rate_hz=audio.sample_rate_hz,
        ffmpeg=ffmpeg,
        meter=meter,
    )
    if meter:
        find_speech([meter.profile()], duration_ms=meter.heard_ms)


def _cpu_s(piece: Callable[[], object]) -> float:
    """Give the processor time of this process and of all that it starts."""
    before_s = cpu_s(os.getpid())
    piece()
    return cpu_s(os.getpid()) - before_s


def main() -> None:
    """Measure."""
    chosen = options(__doc__).parse_args()
    began_s = time.monotonic()
    root = fetch(chosen.cache)
    dense = [(name, *shares(talk, over_ms=0)) for name, talk in talks(root)]
    rare = [(name, *shares(talk, over_ms=SKIP_MS)) for name, talk in rare_talks(root)]
    nothing = [(name, *false_alarms(name, root)) for name in speech_noises.NAMES]
    costs = cost(root)
    columns = ("", "kept %", "in maybe %", "in surely %", "time sent %")
    put(
        chosen.write,
        "speech-dense",
        "Talk, if every silence were left out; the target for kept is 99.9 down to 5 dB",
        columns,
        dense,
    )
    put(
        chosen.write,
        "speech-rare",
        "An utterance every 45 s, if silences of more than 10 s were left out; the target is the same",
        columns,
        rare,
    )
    put(chosen.write, "speech-none", "No speech at all: % of the time", ("", "maybe", "surely", "false holes"), nothing)
    title = "CPU seconds per hour of audio (44.1 kHz, stereo, 128 kbit/s); target for the inspection: below 5"
    cells = [(name, alone, both - plain, plain, both) for name, alone, plain, both in costs]
    columns = ("", "inspection, copied", "inspection, encoded", "encoding alone", "encoding with it")
    put(chosen.write, "speech-cost", title, columns, cells)
    write(chosen.json, {"dense": dense, "rare": rare, "nothing": nothing, "cost": costs})
    print(f"\n{time.monotonic() - began_s:.0f} s")


if __name__ == "__main__":
    main()
