"""The values that planning, merging and rendering pass to one another.

All positions are integer milliseconds from the start of the recording unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass


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
        speaker: as shown: a label in the engine's manner, or the name that people gave for it.
        speaker_label: the label, where `speaker` is such a name.
        is_speaker_sure: False where the speaker is first named behind a joint, and may be another one than before it.
    """

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None
    speaker_label: str | None = None
    is_speaker_sure: bool = True

    @property
    def shown_speaker(self) -> str | None:
        """The speaker as people read it: with a question mark where it is a guess."""
        return self.speaker if self.is_speaker_sure or not self.speaker else f"{self.speaker}?"


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
class SpeakerJoin:
    """Where the speakers of two chunks were joined, and the labels behind it that may be somebody else's."""

    at_ms: int
    unsure: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether every label behind it means the same speaker as before it."""
        return not self.unsure


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """The merged text of one recording.

    `missing` lists the spans without an answer, and those of speech that no answer has text for; empty means complete.
    `joins` tells how the speakers go on from chunk to chunk; empty for one chunk, and where nobody was named.
    """

    text: str
    language: str | None
    segments: tuple[Segment, ...]
    duration_ms: int
    missing: tuple[Span, ...] = ()
    joins: tuple[SpeakerJoin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A stretch of the recording whose sound is not as it was recorded, and what is wrong there, for people."""

    span: Span
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """An uploaded copy and whether its deletion is confirmed."""

    id: str
    deleted: bool
