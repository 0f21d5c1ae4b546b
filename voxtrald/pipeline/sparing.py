"""Plans a recording without its long silences, and keeps the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from voxtrald.store.results import KeptPlan, Results
from voxtrald.transcript.coverage import SpeechMap, silences
from voxtrald.transcript.model import Cut, Span
from voxtrald.transcript.planning import ChunkLimits, plan_stretches, stretch_windows, worth_skipping
from voxtrald.transcript.spans import within, without


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparing:
    """What it takes to leave the silences of one recording out.

    Attributes:
        key: what a plan depends on beside the content, were nothing left out.
        over_ms: how long a silence must be to be left out.
    """

    sha256: str
    key: Mapping[str, int]
    over_ms: int
    limits: ChunkLimits
    results: Results

    def kept_plan(self) -> KeptPlan | None:
        """Find the plan that was made before.

        Raises:
            StorageUnavailable: the store cannot be read.
        """
        return self.results.find_plan(self.sha256, self._key)

    def plan(
        self, speech: SpeechMap | None, *, duration_ms: int, find_cuts: Callable[[Sequence[Span]], Sequence[Cut]]
    ) -> KeptPlan | None:
        """Plan what lies between long silences, and keep the plan; None where nothing is left out.

        A recording in which nobody speaks is left out as a whole: its plan has no spans.

        Args:
            speech: where somebody may be speaking; None where nobody knows.
            duration_ms: of the recording.
            find_cuts: finds the quietest place in each window.

        Raises:
            StorageUnavailable: the plan cannot be kept.
        """
        whole = Span(start_ms=0, end_ms=duration_ms)
        found = within(silences(speech, over_ms=self.over_ms), whole) if speech else ()
        skipped = worth_skipping(found, duration_ms=duration_ms)
        if not skipped:
            return None
        stretches = without(whole, skipped)
        cuts = find_cuts(stretch_windows(stretches, limits=self.limits))
        spans = plan_stretches(stretches, cuts, limits=self.limits)
        plan = KeptPlan(spans=spans, duration_ms=duration_ms, skipped=skipped)
        self.results.keep_plan(self.sha256, self._key, plan)
        return plan

    @property
    def _key(self) -> Mapping[str, int]:
        return {**self.key, "skip_silence_over_ms": self.over_ms}
