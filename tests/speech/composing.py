"""Make the sample of the demo: a short meeting, spoken by espeak-ng, as a phone would have recorded it.

python -m tests.speech.composing [FOLDER]     needs espeak-ng (in Debian: apt-get install espeak-ng)

Writes sample.m4a and sample.txt; without a folder, over the ones that are shipped. Text and sound were made for this
project. The voices are those of espeak-ng, because no living person has to be asked for them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from tests.speech import SAMPLE

RATE_HZ = 22_050  # what espeak-ng speaks at
NOISE = 12.0  # the microphone's own noise, of 32768: quiet, yet no digital silence
LEAD_S = 0.5
# Mono, 44.1 kHz and 48 kbit/s in an MPEG-4 container with its index at the end: a phone's voice memo.
PHONE = ("-ac", "1", "-ar", "44100", "-c:a", "aac", "-b:a", "48k", "-map_metadata", "-1", "-fflags", "+bitexact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one person says, and how.

    Attributes:
        speed: words per minute.
        pitch: 0 to 99.
        pause_s: the silence after it.
    """

    voice: str
    speed: int
    pitch: int
    pause_s: float
    text: str


def _chair(text: str, *, pause_s: float = 0.9) -> Turn:
    return Turn(voice="en-us", speed=155, pitch=42, pause_s=pause_s, text=text)


# Without digits, and with words that are spelt alike everywhere: a recogniser's spelling must not count as an error.
MEETING = (
    _chair(
        "Good evening, everybody, and welcome to the meeting of the parish council. The first item is the old "
        "playground behind the school. The swings are broken, and the fence was damaged by the storm in March."
    ),
    Turn(
        voice="en-us+f2",
        speed=150,
        pitch=50,
        pause_s=1.2,
        text="We asked two companies for an offer. The cheaper one can begin after the summer holidays, and the work "
        "will take four weeks. Until then, the playground must remain closed.",
    ),
    _chair(
        "Thank you very much. I see that there are no questions, and that everybody agrees, so the work can begin.",
        pause_s=1.2,
    ),
    Turn(
        voice="en-gb",
        speed=145,
        pitch=30,
        pause_s=1.0,
        text="The next item is the library. It will open on Saturday mornings again, because many families cannot come "
        "during the week. We are still looking for people who like to read to small children.",
    ),
    _chair(
        "The last item is the bridge across the river. It will be repaired before the winter, and the road will be "
        "closed for one week. Thank you all for coming, and good night.",
        pause_s=0.6,
    ),
)


def written(turns: Sequence[Turn]) -> str:
    """Write down what is said, a paragraph for each turn."""
    return "\n\n".join(turn.text for turn in turns) + "\n"


def speak(turn: Turn, folder: Path) -> np.ndarray:
    """Let espeak-ng speak one turn; give 16-bit samples."""
    wav = folder / "turn.wav"
    how = ["-v", turn.voice, "-s", str(turn.speed), "-p", str(turn.pitch), "-w", str(wav)]
    subprocess.run(["espeak-ng", *how, turn.text], check=True)
    with wave.open(str(wav)) as opened:
        return np.frombuffer(opened.readframes(opened.getnframes()), dtype="<i2")


def record(turns: Sequence[Turn], wav: Path) -> None:
    """Write all turns, the pauses between them and the microphone's noise as a WAV file."""
    pieces = [np.zeros(round(LEAD_S * RATE_HZ))]
    for turn in turns:
        pieces += [speak(turn, wav.parent) * 0.7, np.zeros(round(turn.pause_s * RATE_HZ))]
    clean = np.concatenate(pieces)
    noise = np.random.default_rng(1).normal(scale=NOISE, size=clean.size)
    with wave.open(str(wav), "wb") as opened:
        opened.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        opened.writeframes(np.clip(clean + noise, -32768, 32767).astype("<i2").tobytes())


def compose(folder: Path) -> None:
    """Write the sample and its text into a folder."""
    with tempfile.TemporaryDirectory() as work:
        wav = Path(work) / "meeting.wav"
        record(MEETING, wav)
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", str(wav)]
        subprocess.run([*ffmpeg, *PHONE, str(folder / SAMPLE.name)], check=True)
    (folder / SAMPLE.with_suffix(".txt").name).write_text(written(MEETING), encoding="utf-8")


if __name__ == "__main__":
    compose(Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE.parent)
