"""What was heard of one recording: by whoever decoded a part of it for another purpose, and of the rest by itself."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import replace
from itertools import pairwise
from types import TracebackType
from typing import Final, Self

import structlog

from voxtrald.audio.listening import listen
from voxtrald.audio.measuring import can_jump, find_layout
from voxtrald.audio.probe import AudioSource
from voxtrald.audio.speech import FRAME_MS, Meter, Profile, find_speech
from voxtrald.errors import RecordingError, StopRequested
from voxtrald.pipeline.assignment import Assignment, Tools
from voxtrald.store.sources import require_claimed
from voxtrald.transcript.coverage import SpeechMap
from voxtrald.transcript.model import Span
from voxtrald.transcript.spans import union, without

PIECE_MS: Final = 600_000
"""About how much is listened to at once, so that others who need ffmpeg get their turn: a second or two of work."""

_LEAST_MS: Final = 500
"""What is not worth being listened to: by so little, lengths that were found in different ways differ."""

log = structlog.get_logger()


class Hearing:
    """Collects what is heard of one recording, in any order and from any thread, and makes the map of its speech.

    What is encoded is heard on the way. What is sent as it is, copied or already answered is listened to beside that,
    whenever nobody else needs ffmpeg, and only `speech` waits for it. As a context manager it ends that when left.
    """

    def __init__(self, *, assignment: Assignment, tools: Tools, source: AudioSource, pool: Executor) -> None:
        """Take what `gather` has; `pool` must be open for as long as this is used."""
        self._assignment = assignment
        self._tools = tools
        self._source = source
        self._pool = pool
        self._lock = threading.Lock()
        self._profiles: list[Profile] = []
        self._heard: list[Span] = []  # or about to be
        self._pieces: deque[Span] = deque()
        self._listening: list[Future[None]] = []
        self._unwanted = threading.Event()
        self._urgent = threading.Event()
        self._deaf = threading.Event()
        self._speech: SpeechMap | None = None
        self._heed: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Listen to nothing more; what is under way ends soon."""
        self._unwanted.set()

    # --- on the way of others ------------------------------------------------------------------------------------

    def meter(self, span: Span) -> Meter | None:
        """Give what a span's sound is to be fed to while it is decoded; None where nobody needs to listen."""
        is_idle = self._speech is not None or self._deaf.is_set()
        return None if is_idle else Meter(start_ms=span.start_ms)

    def take(self, span: Span, meter: Meter) -> None:
        """Keep what was heard of a span, now that all of it was decoded."""
        profile = meter.profile()
        with self._lock:
            self._profiles.append(profile)
            self._heard.append(Span(start_ms=span.start_ms, end_ms=max(span.end_ms, profile.end_ms)))

    def begin(self, spans: Iterable[Span], *, sha256: str) -> None:
        """Listen to what nobody decodes, beside everything else, unless it is known what there is to hear.

        Raises:
            StorageUnavailable: the store cannot be read.
        """
        if self._find(sha256) is None and self._add(spans):
            self._listening.append(self._pool.submit(self._listen))

    # --- the map -------------------------------------------------------------------------------------------------

    def speech(self, *, sha256: str, duration_ms: int, heed: Callable[[], None] = lambda: None) -> SpeechMap | None:
        """Say where in the recording there is speech; wait until all of it was heard, and keep what came out.

        None where it cannot be listened to. `heed` is called now and then, and ends it by raising.

        Raises:
            RecordingChanged: the file is not any more what it was.
            StorageUnavailable: it cannot be read now, or the map cannot be kept.
            StopRequested: stop was asked for, or nobody wants it any more.
        """
        self._heed = heed
        return self._find(sha256) or self._make(sha256, duration_ms=duration_ms)

    def keep_durably(self, *, sha256: str) -> None:
        """Make the map outlast a power cut, before anything is paid that follows from it.

        Raises:
            StorageUnavailable: it cannot be kept.
        """
        if self._speech is not None:
            self._tools.results.keep_speech(sha256, self._source.choice, self._speech, durable=True)

    def _find(self, sha256: str) -> SpeechMap | None:
        if self._speech is None:
            self._speech = self._tools.results.find_speech(sha256, self._source.choice)
        return self._speech

    def _make(self, sha256: str, *, duration_ms: int) -> SpeechMap | None:
        self._urgent.set()
        self._add([Span(start_ms=0, end_ms=duration_ms)])
        mates = [self._pool.submit(self._listen) for _ in range(min(self._tools.cores, len(self._pieces)) - 1)]
        self._listen()
        for mate in (*self._listening, *mates):
            mate.result()
        if self._deaf.is_set():
            return None
        speech = find_speech(self._profiles, duration_ms=duration_ms)
        # A map of a file that changed meanwhile must not be kept under the old content's name.
        require_claimed(self._assignment.path, self._assignment.job)
        self._tools.results.keep_speech(sha256, self._source.choice, speech)
        self._speech, self._profiles = speech, []
        return speech

    # --- listening -----------------------------------------------------------------------------------------------

    def _add(self, spans: Iterable[Span]) -> bool:
        """Put down spans to listen to; say whether there is anything to do."""
        heard = union(self._heard)
        wanted = [part for span in spans for part in without(span, heard) if part.length_ms >= _LEAST_MS]
        if any(span.length_ms > PIECE_MS or span.start_ms for span in wanted):
            self._source = self._with_layout()
        most_ms = PIECE_MS if can_jump(self._source) else None
        with self._lock:
            self._heard += wanted
            self._pieces += [piece for span in wanted for piece in pieces(span, most_ms=most_ms)]
            return bool(self._pieces)

    def _with_layout(self) -> AudioSource:
        """Know where the frames lie: an mp3 has no index to jump by."""
        if self._source.layout is not None:
            return self._source
        return replace(self._source, layout=find_layout(self._source, stop=self._tools.stop))

    def _listen(self) -> None:
        """Listen to one piece after the other, until none is left."""
        while (piece := self._next()) is not None:
            self._listen_to(piece)

    def _next(self) -> Span | None:
        with self._lock:
            return self._pieces.popleft() if self._pieces and not self._deaf.is_set() else None

    def _listen_to(self, piece: Span) -> None:
        meter = Meter(start_ms=piece.start_ms)

        def take(sound: bytes) -> None:
            self._require_wanted()
            meter.feed_bytes(sound)

        about = {"job": self._assignment.job.id, "start_ms": piece.start_ms, "end_ms": piece.end_ms}
        try:
            complaint = listen(self._source, ffmpeg=self._tools.ffmpeg, feed=take, span=piece, may_wait=self._may_wait)
        except RecordingError as error:
            # A transcript that nobody could compare with the sound is still one.
            log.warning("listening_failed", **about, reason=error.reason)
            self._deaf.set()
            return
        if complaint:
            log.warning("damage_heard", **about, decoder=complaint)
        with self._lock:
            self._profiles.append(meter.profile())

    def _may_wait(self) -> bool:
        self._require_wanted()
        return not self._urgent.is_set()

    def _require_wanted(self) -> None:
        if self._unwanted.is_set():
            raise StopRequested("nobody wants to know any more what is heard")
        self._heed()


def pieces(span: Span, *, most_ms: int | None) -> tuple[Span, ...]:
    """Cut a span into equal pieces of at most about `most_ms`, at whole frames of the map; None cuts nothing. Pure."""
    count = -(-span.length_ms // most_ms) if most_ms else 1
    marks = [(span.start_ms + span.length_ms * number // count) // FRAME_MS * FRAME_MS for number in range(1, count)]
    bounds = [span.start_ms, *marks, span.end_ms]
    return tuple(Span(start_ms=start, end_ms=end) for start, end in pairwise(bounds))
