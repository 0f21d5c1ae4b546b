"""Real English speech with its text, for tests that listen with a real recogniser.

    path, text = sample()                       # the recording that the demo ships
    assert word_error_rate(text, heard) < 0.1   # never compare the text itself: recognisers differ in spelling

`tests/speech/weights.py` says where weights are, `python -m tests.speech.fetch` gets them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import jiwer

SAMPLE: Final = Path(__file__).resolve().parent.parent.parent / "voxtrald" / "demonstration" / "sample.m4a"
SAMPLE_TEXT: Final = SAMPLE.with_suffix(".txt")

_NORMALISED = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.RemovePunctuation(),
        jiwer.RemoveMultipleSpaces(),
        jiwer.Strip(),
        jiwer.ReduceToListOfListOfWords(),
    ]
)


def sample() -> tuple[Path, str]:
    """Give the recording and what is said in it."""
    return SAMPLE, " ".join(SAMPLE_TEXT.read_text("utf-8").split())


def word_error_rate(reference: str, heard: str) -> float:
    """Give the share of words that are wrong, missing or too many; case and punctuation do not count."""
    texts = (" ".join(text.split()) for text in (reference, heard))
    return float(jiwer.wer(*texts, reference_transform=_NORMALISED, hypothesis_transform=_NORMALISED))
