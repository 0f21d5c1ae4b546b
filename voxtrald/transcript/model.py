"""The values that planning, merging and rendering pass to one another.

All positions are integer milliseconds from the start of the recording unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A half-open stretch of the recording, `[start_ms, end_ms)`."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long the span is."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A place between two chunks: where, and whether it is quiet there (else the chunks overlap)."""

    at_ms: int
    quiet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A timed piece of text in the recording's own time.

    Attributes:
        speaker: as shown: the engine's label, or the name that people gave for it.
        speaker_label: the engine's label, where `speaker` is such a name.
    """

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    speaker_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSegment:
    """A timed piece of text as an engine gives it: times from the chunk's start, or absent."""

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an engine said about one chunk, whatever the engine.

    Attributes:
        text: the chunk's text; empty is a valid answer (silence).
        language: ISO 639-1 code where the engine told it.
        segments: empty where the engine gives no times.
        billed_s: seconds of audio the engine charges for, where it told.
        model: the model that answered, as the engine named it.
        request_id: the engine's own id of the request, where it told.
        dropped: optional parameters the engine refused and that were left out.
    """

    text: str
    language: str | None = None
    segments: tuple[AnswerSegment, ...] = ()
    billed_s: float | None = None
    model: str = ""
    request_id: str | None = None
    dropped: tuple[str, ...] = ()

    @property
    def heard_ms(self) -> int:
        """How much sound it is about, as far as the answer itself tells: what is charged, or where the text ends."""
        billed_ms = round(self.billed_s * 1000) if self.billed_s is not None else 0
        return max(billed_ms, *(segment.end_ms or 0 for segment in self.segments), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedAnswer:
    """An answer and its place in the recording.

    Attributes:
        span: what the chunk covers, as planned; neighbours overlap where no quiet cut was found.
        offset_ms: the recording time of the first sample a decoder gets from the chunk (times are shifted by this).
    """

    span: Span
    offset_ms: int
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The merged text of one recording. `missing` lists the spans that have no answer; empty means complete."""

    text: str
    language: str | None
    segments: tuple[Segment, ...]
    duration_ms: int
    missing: tuple[Span, ...] = ()


# --- what a rendered result tells beside the text -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A stretch of the recording whose sound is not as it was recorded, and what is wrong there, for people."""

    span: Span
    what: str


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
class RemoteFile:
    """An uploaded copy and whether its deletion is confirmed."""

    id: str
    deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Seconds billed for this result now (reused answers cost nothing) and their price in `currency`."""

    audio_s: float
    cost: float | None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Everything an output format may show."""

    version: str
    source: SourceFacts
    engine: EngineFacts
    transcript: Transcript
    chunks: tuple[ChunkFacts, ...]
    usage: Usage
    remote_files: tuple[RemoteFile, ...] = ()
