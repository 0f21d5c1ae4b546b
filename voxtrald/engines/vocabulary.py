"""As much vocabulary as a model takes: too much costs fidelity, never the transcript, and it is told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

BETWEEN = ", "

WHISPER_BYTES = 600
"""What Whisper's 224 tokens for a prompt hold of names in any language, at some three bytes to the token.

OpenAI's guide to speech to text and faster-whisper's `hotwords` name the number. Beyond it, some servers cut off the
beginning, some the end, and some refuse the request.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The phrases that fit, in order, and what to tell where some do not."""

    kept: tuple[str, ...]
    dropped: tuple[str, ...] = ()


def fit_vocabulary(phrases: Sequence[str], *, most_bytes: int) -> Vocabulary:
    """Keep the first phrases whose texts, joined by commas, have at most so many bytes in UTF-8."""
    sizes = accumulate(len(f"{phrase}{BETWEEN}".encode()) for phrase in phrases)
    fitting = sum(size - len(BETWEEN) <= most_bytes for size in sizes)
    return Vocabulary(kept=tuple(phrases[:fitting]), dropped=left_out(phrases, kept=fitting, what="phrases"))


def left_out(phrases: Sequence[str], *, kept: int, what: str) -> tuple[str, ...]:
    """Tell how many are left out, where some are."""
    beyond = len(phrases) - kept
    return (f"context_bias: {beyond} of {len(phrases)} {what}",) if beyond > 0 else ()
