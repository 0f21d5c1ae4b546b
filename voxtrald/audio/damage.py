"""What is wrong with the sound that was got from a recording: where, and in words for people. Pure."""

from __future__ import annotations

from typing import Final

from voxtrald.audio.prepare import PreparedChunk
from voxtrald.audio.probe import AudioSource
from voxtrald.transcript.model import Damage, Span

PART_LOST: Final = "parts of this stretch are damaged: words may be missing or wrong"
NOTHING_HERE: Final = "no sound can be read here"
END_LOST: Final = "the file stops before its proper end: the last words may be missing"
LESS_FOUND: Final = "the header promises more sound than the file holds: parts may be missing"

_AT_THE_END: Final = "partial file"
_HARMLESS: Final = ("non monotonically increasing dts", "Queue input is backward in time")
"""About the times of packets, which are put right in passing."""

_ROUNDING_MS: Final = 200
"""How far a header may be off in a whole file: encoders' delays, and times in hundredths of a second."""

_COUNTING: Final = frozenset({"ape", "flac", "tta", "wv"})
"""Their headers count the samples; nothing in them counts the bytes."""

_STEADY: Final = frozenset({"aiff", "asf", "caf", "w64", "wav"})
"""Their sound takes the same number of bytes each second, or nearly."""


def chunk_damage(chunk: PreparedChunk) -> tuple[Damage, ...]:
    """Say what a decoder found wrong in a chunk; nothing where it was content.

    A chunk that is merely shorter than its span is not damaged: a recorder was paused, or the sound of a film ends
    before its picture.
    """
    if _is_harmless(chunk.complaint):
        return ()
    last_ms = chunk.span.end_ms - chunk.shortfall_ms
    rest = Span(start_ms=last_ms, end_ms=chunk.span.end_ms)
    if _AT_THE_END in chunk.complaint:
        return (Damage(span=rest, what=END_LOST),)
    heard = Damage(span=Span(start_ms=chunk.span.start_ms, end_ms=last_ms), what=PART_LOST)
    return (heard, Damage(span=rest, what=NOTHING_HERE)) if chunk.shortfall_ms else (heard,)


def source_damage(source: AudioSource, *, heard_ms: int, longest_ms: int) -> tuple[Damage, ...]:
    """Say what the length of the sound shows: something was lost in the middle of a file that is whole at its end.

    Only of mp3, whose header counts the frames and the bytes; elsewhere a film may be longer than its sound, or the
    positions of packets show a gap.
    """
    if not _is_harmless(source.complaint):
        return (Damage(span=Span(start_ms=0, end_ms=heard_ms), what=PART_LOST),)
    promised_ms = source.duration_ms or 0
    is_told = source.container == "mp3" and source.ending.declared_bytes is not None and not source.is_estimate
    if not is_told or source.ending.is_cut_off or promised_ms > longest_ms:
        return ()
    is_less = promised_ms - heard_ms > max(_ROUNDING_MS, promised_ms // 50)
    return (Damage(span=Span(start_ms=0, end_ms=heard_ms), what=LESS_FOUND),) if is_less else ()


def _is_harmless(complaint: str) -> bool:
    return not complaint or any(phrase in complaint for phrase in _HARMLESS)


def lost_end(source: AudioSource, *, heard_ms: int, longest_ms: int) -> Span | None:
    """Say what is missing of a recording's end; empty where it is cut off and nobody can say how much is missing.

    Args:
        source: the recording.
        heard_ms: how long its sound really is.
        longest_ms: a header that promises more than this is not believed.
    """
    promised_ms = _promised_ms(source, heard_ms=heard_ms)
    if promised_ms > longest_ms:
        return None
    if promised_ms - heard_ms > _ROUNDING_MS:
        return Span(start_ms=heard_ms, end_ms=promised_ms)
    return Span(start_ms=heard_ms, end_ms=heard_ms) if source.ending.is_cut_off else None


def _promised_ms(source: AudioSource, *, heard_ms: int) -> int:
    """Give how long the sound would be if nothing were missing at its end, as far as the file tells."""
    told_ms = 0 if source.is_estimate or source.duration_ms is None else source.duration_ms
    if source.container in _COUNTING:
        return told_ms
    if not source.ending.is_cut_off or source.ending.declared_bytes is None:
        return heard_ms
    if source.container in _STEADY and told_ms - heard_ms <= _ROUNDING_MS:
        # Some versions of ffmpeg shorten what they tell to what the file can hold.
        return heard_ms * source.ending.declared_bytes // source.size_bytes
    return told_ms
