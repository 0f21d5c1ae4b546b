"""Cuts a recording into chunks by copying its packets: nothing is decoded and nothing is lost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voxtrald.audio import commands
from voxtrald.audio.faults import find_fault, find_file_fault
from voxtrald.audio.ffmpeg import Bounds, Ffmpeg, Finished
from voxtrald.audio.prepare import EmptySpanError, PreparedChunk
from voxtrald.audio.probe import AudioSource
from voxtrald.audio.xing import HEAD_BYTES, LAME_BYTES, frames_ms, read_xing
from voxtrald.errors import RecordingError
from voxtrald.transcript.model import Span

_TIMEOUT_S: Final = 60.0
_SLOWEST_READ_BPS: Final = 1_000_000
_WAV_PACKET_MS: Final = 20
_WAV_PACKET_BYTES: Final = 1024


def copy_chunks(
    source: AudioSource, spans: Sequence[Span], *, work: Path, name: Callable[[int], str], ffmpeg: Ffmpeg
) -> Iterator[PreparedChunk]:
    """Copy each span into a file of its own, and yield it as soon as it is surely whole.

    One pass over the recording serves all spans that follow one another without a gap; a span that overlaps
    the one before it begins a pass of its own. Cuts fall between packets: within a pass the chunks join
    sample by sample, and where a new pass begins at most one packet comes twice. Packets are at most 72 ms
    long.

    Args:
        source: what `is_copyable`.
        spans: in order.
        work: the folder for the chunks.
        name: gives the file name of the span at an index of `spans`.
        ffmpeg: runs it.

    Raises:
        EmptySpanError: a span lies behind the recording's end; all before it were yielded.
        RecordingError: nothing can be read from the recording's start.
        RecordingChanged: the file vanished.
        StorageUnavailable: the recording cannot be read, or the work folder is full.
        StopRequested: stop was asked for.
    """
    for indices in split_runs(spans):
        run = [(spans[index], work / name(index)) for index in indices]
        try:
            folder = Path(tempfile.mkdtemp(prefix="copying-", dir=work))
        except OSError as error:
            raise find_file_fault(error, source=source.path, work=work) from error
        try:
            yield from _copy_run(source, run, folder=folder, ffmpeg=ffmpeg)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def copy_first(source: AudioSource, span: Span, *, target: Path, ffmpeg: Ffmpeg) -> PreparedChunk:
    """Copy one span and stop reading right behind it, so that it is ready long before the recording is read.

    Raises as `copy_chunks` does.
    """
    chunks = copy_chunks(source, [span], work=target.parent, name=lambda _: target.name, ffmpeg=ffmpeg)
    (chunk,) = chunks
    return chunk


def split_runs(spans: Sequence[Span]) -> list[range]:
    """Split the indices of spans where one does not begin at the end of the one before it. Pure."""
    starts = [index for index, span in enumerate(spans) if index == 0 or span.start_ms != spans[index - 1].end_ms]
    return [range(*bounds) for bounds in zip(starts, [*starts[1:], len(spans)], strict=True)]


Run = Sequence[tuple[Span, Path]]


def _copy_run(source: AudioSource, run: Run, *, folder: Path, ffmpeg: Ffmpeg) -> Iterator[PreparedChunk]:
    bounds = Bounds(timeout_s=_TIMEOUT_S + source.size_bytes / _SLOWEST_READ_BPS)
    lines = ffmpeg.lines(_command(source, run, folder), source=source.path, bounds=bounds)
    pieces = _pieces(lines, start_ms=run[0][0].start_ms)
    # A piece that is named last may have been cut off by a full disk; it counts once ffmpeg has ended well.
    ready, held = 0, None
    try:
        while True:
            piece = next(pieces)
            if held is not None:
                yield _place(held, source=source, folder=folder, run=run)
            ready, held = ready + 1, piece
    except StopIteration as end:
        finished: Finished = end.value
    finally:
        pieces.close()
    _require_unbroken(finished, source=source, run=run, ready=ready)
    if held is not None:
        yield _place(held, source=source, folder=folder, run=run)
    if ready < len(run):
        raise EmptySpanError(run[ready][0])


def _command(source: AudioSource, run: Run, folder: Path) -> list[str]:
    reach = Span(start_ms=run[0][0].start_ms, end_ms=run[-1][0].end_ms)
    return commands.copy(
        source.path,
        container=source.container,
        stream_index=source.stream_index,
        span=reach,
        cuts_ms=cuts_from_first_packet(source, [span for span, _ in run]),
        folder=folder,
        demuxing=_demuxing(source),
    )


def cuts_from_first_packet(source: AudioSource, spans: Sequence[Span]) -> list[int]:
    """Say where to cut between spans, counted from their first packet and aimed at the nearest joint. Pure.

    The segment muxer cuts before the first packet at or after the given time. The first packet is the one the spans'
    start lies in. In an mp3 that is somewhere on the grid of frames, which begins an encoder's delay before zero.
    """
    start_ms, length_ms = spans[0].start_ms, packet_ms(source)
    lead_ms = (start_ms + source.start_ms) % length_ms if source.container == "mp3" else 0
    return [round(span.start_ms - start_ms + lead_ms - length_ms / 2) for span in spans[1:]]


def packet_ms(source: AudioSource) -> float:
    """How long a packet is. Pure."""
    if source.container == "mp3":
        return frames_ms(1, sample_rate_hz=source.sample_rate_hz)
    return _WAV_PACKET_MS


def _demuxing(source: AudioSource) -> list[str]:
    """WAV has no packets of its own: ask for short ones, or a cut could miss the pause it was meant for."""
    if source.container != "wav":
        return []
    bytes_per_ms = source.sample_rate_hz * (source.channels or 1) * 2 / 1000
    return ["-max_size", str(max(_WAV_PACKET_BYTES, round(bytes_per_ms * _WAV_PACKET_MS)))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file as the segment muxer lists it, in recording time."""

    name: str
    start_ms: float
    end_ms: float


def read_piece(line: str, *, start_ms: int) -> Piece:
    """Read a line `name,start,end`, whose seconds count from `start_ms`. Pure."""
    name, start, end = line.rsplit(",", 2)
    return Piece(name=name, start_ms=start_ms + float(start) * 1000, end_ms=start_ms + float(end) * 1000)


def _pieces(lines: Generator[str, None, Finished], *, start_ms: int) -> Generator[Piece, None, Finished]:
    try:
        while True:
            yield read_piece(next(lines), start_ms=start_ms)
    except StopIteration as end:
        finished: Finished = end.value
        return finished
    finally:
        lines.close()


def _place(piece: Piece, *, source: AudioSource, folder: Path, run: Run) -> PreparedChunk:
    """Make a chunk of a piece: correct its header and give it its name.

    Raises:
        EmptySpanError: there is nothing of its span in it.
        StorageUnavailable: the work folder cannot be written.
    """
    path = folder / piece.name
    span, target = run[int(path.stem)]
    try:
        frames = free_of_delay(path) if source.container == "mp3" else None
        duration_ms = piece.end_ms - piece.start_ms
        if frames is not None:
            # More exact than the list, which gives the first piece's start as asked, not as found.
            duration_ms = frames_ms(frames, sample_rate_hz=source.sample_rate_hz)
        if piece.end_ms - span.start_ms < 1:
            # Sought behind the end, a demuxer may still give the last packet there is.
            raise EmptySpanError(span)
        path.replace(target)
        size_bytes = target.stat().st_size
    except OSError as error:
        raise find_file_fault(error, source=source.path, work=target.parent) from error
    return PreparedChunk(
        span=span,
        path=target,
        extension=source.container,
        how="copied",
        offset_ms=round(piece.end_ms - duration_ms),
        duration_ms=round(duration_ms),
        size_bytes=size_bytes,
    )


def free_of_delay(path: Path) -> int | None:
    """Blank the encoder's delay in a copied mp3's header and give its number of frames, if it has a header.

    libavformat writes there what it heard of the source. For a chunk that is wrong: a decoder would skip
    sound at its start that is no delay at all, up to 90 ms in the recording's last chunk. Without it a
    decoder skips nothing, and chunks join sample by sample.
    """
    with path.open("r+b") as file:
        xing = read_xing(file.read(HEAD_BYTES))
        if xing is None:
            return None
        file.seek(xing.lame_at)
        file.write(bytes(LAME_BYTES))
    return xing.frames


def _require_unbroken(finished: Finished, *, source: AudioSource, run: Run, ready: int) -> None:
    """Raise the fault of a run that broke off; a damaged recording that gave chunks is no fault."""
    if finished.returncode == 0 and ready == len(run) and not finished.complaint:
        return
    span, target = run[0]
    fault = find_fault(finished.complaint, source=source.path, work=target.parent)
    is_empty = ready == 0 and span.start_ms == 0
    if is_empty or finished.returncode < 0 or not isinstance(fault, RecordingError):
        raise fault
