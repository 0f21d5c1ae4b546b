"""Makes the chunks of a recording, by whichever way they are sent sooner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from voxtrald.audio import prepare
from voxtrald.audio.copying import copy_chunk
from voxtrald.audio.layout import Layout
from voxtrald.audio.measuring import find_layout
from voxtrald.audio.prepare import PreparedChunk
from voxtrald.audio.probe import AudioSource
from voxtrald.audio.quiet import find_cut
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.pipeline.hearing import Hearing
from voxtrald.transcript.model import Cut, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What it takes to make chunks of one recording; all methods may be called from several threads at once."""

    assignment: Assignment
    source: AudioSource
    tools: Tools
    hearing: Hearing | None = None

    def with_layout(self, layout: Layout | None) -> Making:
        """Know where the recording's frames lie: they can be copied, and are found without a search."""
        return replace(self, source=replace(self.source, layout=layout))

    def with_own_layout(self, *, until_ms: int | None = None) -> Making:
        """Look where the frames lie, if need be only those up to a position."""
        if self.source.layout is not None:
            return self
        return self.with_layout(find_layout(self.source, stop=self.tools.stop, until_ms=until_ms))

    def find_cut(self, window: Span) -> Cut:
        """Find the quietest place in a window."""
        return find_cut(self.source, window=window, ffmpeg=self.tools.ffmpeg)

    def choose_way(self, spans: Sequence[Span], *, is_first: bool) -> Literal["copy", "encode"]:
        """Copy or encode? As long as no upload was measured, a first chunk that can be copied finds out."""
        audio, accepted = self.assignment.settings.audio, self.assignment.accepted
        max_bytes = self.assignment.capabilities.max_bytes
        if not prepare.can_copy(self.source, spans, accepted=accepted, max_bytes=max_bytes):
            return "encode"
        uplink_bps = self.assignment.engine.uplink_bps
        is_unknown = uplink_bps is None and is_first and audio.copy_mode == "auto"
        return prepare.choose_way(
            self.source,
            accepted=accepted,
            copy="always" if is_unknown else audio.copy_mode,
            bitrate_kbps=audio.bitrate_kbps,
            uplink_bps=uplink_bps,
            cores=self.tools.cores,
        )

    def make_first(self, span: Span) -> PreparedChunk:
        """Make the first chunk while nothing is known of those behind it, neither which way they will go."""
        if self.choose_way((span,), is_first=True) == "copy":
            return self.copy(0, span, is_followed=False)
        return self.encode(0, span, is_last=False)

    def make_whole(self, span: Span) -> PreparedChunk:
        """Make one chunk of all the recording: as it is, or encoded."""
        measured = replace(self.source, duration_ms=span.end_ms, duration_exact=True)
        fits = prepare.fits_whole(
            measured,
            accepted=self.assignment.accepted,
            max_ms=self.assignment.limits.max_ms,
            max_bytes=self.assignment.capabilities.max_bytes,
        )
        if fits:
            return prepare.send_whole(measured, work=self.assignment.work)
        return self.encode(0, span, is_last=True)

    def copy(self, index: int, span: Span, *, is_followed: bool = True) -> PreparedChunk:
        """Copy a span; see `copy_chunk` for `is_followed`."""
        stop = self.tools.stop
        return copy_chunk(self.source, span, target=self._target(index), stop=stop, is_followed=is_followed)

    def encode(self, index: int, span: Span, *, is_last: bool) -> PreparedChunk:
        """Encode a span anew, and listen to it meanwhile."""
        audio = self.assignment.settings.audio
        meter = self.hearing.meter(span) if self.hearing else None
        chunk = prepare.encode_chunk(
            self.source,
            span,
            target=self._target(index),
            is_last=is_last,
            bitrate_kbps=audio.bitrate_kbps,
            sample_rate_hz=audio.sample_rate_hz,
            format=self.assignment.convert_to,
            ffmpeg=self.tools.ffmpeg,
            meter=meter,
        )
        if self.hearing and meter:
            self.hearing.take(span, meter)
        return chunk

    def clip(self, number: int, span: Span) -> Path:
        """Encode a stretch by itself, to show how a voice sounds."""
        audio = self.assignment.settings.audio
        return prepare.encode_chunk(
            self.source,
            span,
            target=self.assignment.work / f"voice-{number}",
            is_last=False,
            bitrate_kbps=audio.bitrate_kbps,
            sample_rate_hz=audio.sample_rate_hz,
            format=self.assignment.convert_to,
            ffmpeg=self.tools.ffmpeg,
        ).path

    def _target(self, index: int) -> Path:
        return self.assignment.work / f"chunk-{index:04d}"
