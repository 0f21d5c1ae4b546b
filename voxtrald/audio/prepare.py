"""Makes the files that are sent: the recording as it is, a copy of its packets, or newly encoded speech."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from voxtrald.audio import commands
from voxtrald.audio.complaining import headline
from voxtrald.audio.description import last_out_time_ms
from voxtrald.audio.entering import find_entry
from voxtrald.audio.faults import find_fault, find_file_fault
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg, Finished
from voxtrald.audio.listening import whole_samples
from voxtrald.audio.probe import AudioSource
from voxtrald.audio.speech import Meter
from voxtrald.errors import RecordingChanged, RecordingError, VoxtraldError
from voxtrald.transcript.model import Span

LEAN_BPS: Final = 64_000
"""At or below this, encoding anew saves too few bytes to be worth its time."""

_SAFE_GAP_MS: Final = 60
"""What a decoder may hear wrong at a copy's start; the shortest pauses one cuts in leave 80 ms before the next word."""

ENCODED_PER_S: Final = 300
"""Seconds of speech one core encodes per second, roughly: libmp3lame, 16 kHz mono, level 7, with the
decoding."""

_ENCODE_TIMEOUT_S: Final = 60.0
_HEADER_BYTES: Final = 1 << 20
_HEARD_BYTES: Final = 1 << 30

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "mov": ("m4a", "mp4", "mov", "3gp"),
    "matroska": ("webm", "mka", "mkv"),
    "ogg": ("ogg", "oga", "opus"),
    "asf": ("wma", "asf"),
    "aiff": ("aiff", "aif"),
}


class EmptySpanError(VoxtraldError):
    """There is no sound in the span: it lies behind the end, or in a hole of the recording."""

    slug = "empty_span"

    def __init__(self, span: Span) -> None:
        super().__init__(f"there is no sound between {span.start_ms} and {span.end_ms} ms")
        self.span = span


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedChunk:
    """A file that can be sent.

    Attributes:
        span: the stretch of the recording it was asked to cover.
        path: a file of its own, whole from the moment it has this name.
        extension: without the dot.
        offset_ms: recording time of the first sample a decoder gets from it; slightly negative where an mp3
            begins with its encoder's delay.
        duration_ms: how much sound is in it; may be less than was asked for.
        how: how it was made. `address`: not at all, the engine fetches it, and its length is not known.
        complaint: the first thing the decoder found wrong, or empty. The chunk is usable nevertheless.
    """

    span: Span
    path: Path
    extension: str
    how: Literal["whole", "copied", "encoded", "address"]
    offset_ms: int
    duration_ms: int
    size_bytes: int
    complaint: str = ""

    @property
    def shortfall_ms(self) -> int:
        """How much of the span's end has no sound, as in a truncated recording; 0 for up to 2 %."""
        missing_ms = self.span.end_ms - self.offset_ms - self.duration_ms
        return missing_ms if missing_ms > self.span.length_ms * 0.02 else 0


# --- as it is --------------------------------------------------------------------------------------------


def is_accepted(source: AudioSource, accepted: Sequence[str]) -> bool:
    """Whether a container is among the formats that may be sent, under any of its usual names. Pure."""
    return not set(accepted).isdisjoint(_NAMES.get(source.container, (source.container,)))


def is_copyable(source: AudioSource) -> bool:
    """Whether pieces of it make chunks that lose nothing and are right by themselves. Pure.

    True of a regular mp3 and of 16-bit WAV; only these have a layout. Not of FLAC: a copied chunk's header keeps the
    whole recording's length. Not of Ogg: Opus loses its pre-skip and Vorbis its first block at every joint, and a hole
    in the timestamps would shift what follows unseen. Nor of containers that a recogniser may not accept. Nor of an
    mp3 with frames so small that a copy's first word would be damaged: the cut lies in the middle of a pause, and what
    a decoder hears wrong after it has to lie there, too.
    """
    return source.layout is not None and max(source.gap_ms, source.layout.gap_ms) <= _SAFE_GAP_MS


def can_copy(source: AudioSource, spans: Sequence[Span], *, accepted: Sequence[str], max_bytes: int) -> bool:
    """Whether these spans can be copied into chunks that may be sent. Pure."""
    longest_ms = max(span.length_ms for span in spans)
    is_small = (source.bit_rate_bps or 0) / 8 * longest_ms / 1000 <= max_bytes
    return is_copyable(source) and is_accepted(source, accepted) and is_small


def fits_whole(source: AudioSource, *, accepted: Sequence[str], max_ms: int, max_bytes: int) -> bool:
    """Whether the recording can be sent byte for byte. Pure.

    Not with a cover, video or second audio track in it: the far side may listen to another track than we do,
    and a picture costs upload. Nor with Speex in an Ogg file, which few services know any more. Believes
    `duration_ms`; put the measured one into the source where the header's is a guess.
    """
    return (
        is_accepted(source, accepted)
        and not source.has_other_streams
        and source.codec != "speex"
        and source.duration_ms is not None
        and source.duration_ms <= max_ms
        and source.size_bytes <= max_bytes
    )


def send_whole(source: AudioSource, *, work: Path) -> PreparedChunk:
    """Copy the recording into the work folder.

    A copy and no hard link: a link would let a later write to the inbox file change what is being sent. It
    costs little, because only what fits one request comes here.

    Raises:
        RecordingChanged: the file vanished or changed its size.
        StorageUnavailable: it cannot be read, or the work folder is full.
    """
    extension = _NAMES.get(source.container, (source.container,))[0]
    path = work / f"whole.{extension}"
    with appearing(path, source=source.path) as part:
        shutil.copyfile(source.path, part)
        size_bytes = part.stat().st_size
        if size_bytes != source.size_bytes:
            raise RecordingChanged(f"{source.path.name} changed while it was copied")
    duration_ms = source.duration_ms or 0
    return PreparedChunk(
        span=Span(start_ms=0, end_ms=duration_ms),
        path=path,
        extension=extension,
        how="whole",
        offset_ms=0,
        duration_ms=duration_ms,
        size_bytes=size_bytes,
    )


# --- encoded ---------------------------------------------------------------------------------------------


def choose_way(
    source: AudioSource,
    *,
    accepted: Sequence[str],
    copy: Literal["auto", "always", "never"],
    bitrate_kbps: int,
    uplink_bps: float | None,
    cores: int,
) -> Literal["copy", "encode"]:
    """Decide whether to copy packets or to encode anew, by which is sent sooner. Pure.

    Copying costs no CPU but sends the source's bit rate; encoding overlaps with sending, so the slower of the
    two counts. On two cores a 128 kbit/s source is worth copying from about 77 Mbit/s up. `uplink_bps` is
    what was measured, None before the first upload.
    """
    if copy == "never" or not is_accepted(source, accepted) or not is_copyable(source):
        return "encode"
    if copy == "always":
        return "copy"
    bit_rate_bps = source.bit_rate_bps
    if bit_rate_bps is None:
        return "encode"
    if bit_rate_bps <= max(LEAN_BPS, bitrate_kbps * 1000):
        return "copy"
    if uplink_bps is None:
        return "encode"
    copied_s = bit_rate_bps / uplink_bps
    encoded_s = max(bitrate_kbps * 1000 / uplink_bps, 1 / (ENCODED_PER_S * cores))
    return "copy" if copied_s <= encoded_s else "encode"


def encode_chunk(
    source: AudioSource,
    span: Span,
    *,
    target: Path,
    is_last: bool,
    bitrate_kbps: int,
    sample_rate_hz: int,
    format: str = "mp3",  # noqa: A002 - the word the settings use
    ffmpeg: Ffmpeg,
    meter: Meter | None = None,
) -> PreparedChunk:
    """Decode a span straight from the recording and encode it as speech.

    The decoder starts at the span (input seeking), holes are filled with silence, and so the chunk's first
    sample is at the span's start, whatever the codec.

    Args:
        source: the recording.
        span: what to take, in recording time.
        target: the file to make; it appears when it is whole.
        is_last: take a little more than asked for, so that rounding cannot clip the recording's end.
        bitrate_kbps: for mp3 and ogg.
        sample_rate_hz: raised to the next one the format can have.
        format: mp3, flac, ogg (Opus) or wav.
        ffmpeg: runs it.
        meter: listens while the span is decoded, where it has to be listened to.

    Raises:
        EmptySpanError: no sound in it, though the recording has some elsewhere.
        RecordingError: no sound can be got from the recording's start.
        RecordingChanged: the file vanished.
        StorageUnavailable: the recording cannot be read, or the work folder is full.
        StopRequested: stop was asked for.
    """
    reach = Span(start_ms=span.start_ms, end_ms=span.end_ms + _END_SLACK_MS * is_last)
    most_bps = max(bitrate_kbps * 1000, 16 * commands.encoder_rate_hz(format, sample_rate_hz))
    bounds = Bounds(
        timeout_s=_ENCODE_TIMEOUT_S,
        file_bytes=2 * most_bps // 8 * (1 + reach.length_ms // 1000) + _HEADER_BYTES,
        stdout_bytes=_HEARD_BYTES,
    )
    build = commands.encode_aloud if meter else commands.encode
    with appearing(target, source=source.path) as part:
        command = build(
            source.path,
            container=source.container,
            stream_index=source.stream_index,
            span=reach,
            target=part,
            target_format=format,
            bitrate_kbps=bitrate_kbps,
            sample_rate_hz=sample_rate_hz,
            entry=find_entry(source, at_ms=span.start_ms),
        )
        finished = _run(command, ffmpeg=ffmpeg, bounds=bounds, meter=meter)
        duration_ms = meter.heard_ms if meter else last_out_time_ms(finished.stdout.decode("ascii", errors="replace"))
        _require_sound(finished, duration_ms=duration_ms, source=source, span=span, work=target.parent)
        size_bytes = part.stat().st_size
    return PreparedChunk(
        span=span,
        path=target,
        extension=format,
        how="encoded",
        offset_ms=span.start_ms,
        duration_ms=duration_ms or 0,
        size_bytes=size_bytes,
        complaint=headline(finished.complaint),
    )


_END_SLACK_MS: Final = 1_000


def _run(command: commands.Command, *, ffmpeg: Ffmpeg, bounds: Bounds, meter: Meter | None) -> Finished:
    """Run ffmpeg; where there is a meter, what it says is sound."""
    if meter is None:
        return ffmpeg.run(command, source=command.reads, bounds=bounds)
    return ffmpeg.feed(command, source=command.reads, bounds=bounds, feed=whole_samples(meter.feed_bytes))


def _require_sound(finished: Finished, *, duration_ms: int | None, source: AudioSource, span: Span, work: Path) -> None:
    """Raise where there is no sound. That counts: ffmpeg's exit code is 0 for a file without any."""
    is_whole = finished.returncode >= 0 and duration_ms
    if is_whole and not finished.complaint:
        return
    fault = find_fault(finished.complaint, source=source.path, work=work)
    if not isinstance(fault, RecordingError):
        raise fault
    if is_whole:
        # Damaged, but there is something: a transcript of what can be heard beats none.
        return
    if finished.returncode >= 0 and span.start_ms > 0:
        raise EmptySpanError(span)
    raise fault


# --- files -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def appearing(target: Path, *, source: Path) -> Iterator[Path]:
    """Give a name to write to; the file gets its own name once the block has ended well."""
    part = target.with_name(f"{target.name}.part")
    try:
        yield part
        part.replace(target)
    except OSError as error:
        raise find_file_fault(error, source=source, work=target.parent) from error
    finally:
        part.unlink(missing_ok=True)
