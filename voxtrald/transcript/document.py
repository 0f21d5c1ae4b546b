"""What a rendered result tells: the text, and beside it where it came from, what it cost and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from voxtrald.transcript.coverage import Coverage
from voxtrald.transcript.inspecting import Finding, Kind
from voxtrald.transcript.model import Damage, RemoteFile, Span, Transcript

Kept: TypeAlias = Literal["new", "old", "none"]
"""Which of two answers stands in the text. None: neither has anything to say in what was missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """The recording as it was found.

    Attributes:
        name: of the file in the inbox.
        sha256: of the recording, or of the link file where only the engine saw the recording. So is the size.
        container: empty where only the engine saw the recording. So is the codec.
        address: where a link file leads, without the part that may hold a signature.
        track: which of its audio tracks was heard, from 1; None where all were, as one.
        tracks: how many audio tracks it has; 0 where only the engine saw the recording.
        damage: what is wrong with its sound, in order.
        lost_end: what is missing of its end where the file was cut off; empty where that is not even a tenth of a
            second, or where nobody knows how long it was.
    """

    name: str
    sha256: str
    size_bytes: int
    duration_ms: int
    container: str
    codec: str
    address: str | None = None
    track: int | None = 1
    tracks: int = 0
    damage: tuple[Damage, ...] = ()
    lost_end: Span | None = None

    @property
    def is_truncated(self) -> bool:
        """Whether so much of the end is missing that what is left is not the recording any more."""
        lost = self.lost_end
        return lost is not None and lost.length_ms > _END_MS and lost.length_ms > _END_SHARE * lost.end_ms


_END_MS = 2_000
_END_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """Who transcribed, with which parameters; `downgrades` lists parameters the engine refused."""

    kind: str
    model: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    downgrades: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkFacts:
    """One chunk's provenance.

    Attributes:
        how: whole, copied or encoded; address where the engine fetched it; None where it has no answer.
    """

    span: Span
    how: str | None
    request_id: str | None
    billed_s: float | None
    attempts: int
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Seconds billed for this result now (reused answers cost nothing) and their price in `currency`."""

    audio_s: float
    cost: float | None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding of the first look at a transcript, and whether asking again has settled it."""

    finding: Finding
    repaired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A span that was asked a second time, and what came of it.

    Attributes:
        kinds: of the findings it was asked for, in order, none twice.
        kept: whose text stands there now.
        request_id: the engine's own id of the request, where it told.
        billed_s: seconds of audio that were charged for it, in this run or an earlier one.
        cost: what it cost in this run, where that is known; nothing where the answer was reused.
    """

    span: Span
    kinds: tuple[Kind, ...]
    kept: Kept
    request_id: str | None = None
    billed_s: float | None = None
    cost: float | None = None
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What looking for places that do not fit has shown.

    Attributes:
        coverage: of the text as it is now; None where nobody has listened to the recording.
        findings: of the first look, by place.
        repairs: what was asked again and answered, by place.
    """

    coverage: Coverage | None = None
    findings: tuple[Judged, ...] = ()
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Everything an output format may show.

    Attributes:
        inspection: None where the text was not inspected.
        skipped: long silences that were left out.
    """

    version: str
    source: SourceFacts
    engine: EngineFacts
    transcript: Transcript
    chunks: tuple[ChunkFacts, ...]
    usage: Usage
    remote_files: tuple[RemoteFile, ...] = ()
    inspection: Inspection | None = None
    skipped: tuple[Span, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether something is missing although every chunk has its answer, and the recording its end."""
        is_answered = all(chunk.how is not None for chunk in self.chunks)
        return bool(self.transcript.missing) and is_answered and not self.source.is_truncated
