"""What an operator reads in the log: one line for everything that ended, stood still or went on."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from voxtrald.dispatch.gate import GateChanged
from voxtrald.dispatch.threads import Broken
from voxtrald.pipeline.outcome import Done, Failed, Tally
from voxtrald.transcript.rendering.clocks import spans_text

log = structlog.get_logger()

HELD = "nothing was moved or lost; mend the key, the account or the model, then reload (SIGHUP), restart or wait"
_OUTAGE = "nothing is lost and no attempts are used up; it goes on by itself"


def tell_done(outcome: Done) -> None:
    """Write the one line of a recording that is done, or done but for some places."""
    figures, outputs = _figures(outcome.tally), list(outcome.outputs)
    if not outcome.is_partial:
        log.info("recording_done", **figures, outputs=outputs)
        return
    missing_s = sum(span.length_ms for span in outcome.missing) / 1000
    log.warning(
        "recording_partial",
        missing_s=missing_s,
        holes=len(outcome.missing),
        missing=spans_text(outcome.missing),
        **figures,
        outputs=outputs,
    )


def tell_failed(outcome: Failed) -> None:
    """Write the one line of a recording that failed."""
    log.error(
        "recording_failed",
        reason=outcome.reason.value,
        error=outcome.message,
        hint=outcome.hint,
        **_figures(outcome.tally),
        outputs=list(outcome.outputs),
    )


def tell_gate(change: GateChanged) -> None:
    """Write why all work stands still, or that it goes on."""
    match change.state:
        case "held":
            log.error("work_held", service=change.service, reason=change.reason, hint=HELD)
        case "open":
            log.warning("outage_began", service=change.service, hint=_OUTAGE)
        case _:
            log.info("work_resumed", service=change.service)


def tell_paused(message: str, *, hint: str) -> None:
    """Write that nothing begins before there is room, or a folder is back."""
    log.warning("storage_unavailable", error=message, hint=hint)


def tell_learnt(result: Broken | None) -> None:
    """Write that an engine could not find out what its far side offers; what it finds it logs itself."""
    if isinstance(result, Broken):
        log.warning("far_side_not_learnt", error=str(result.error))


def tell_cleared(result: int | Broken) -> None:
    """Write what came of looking for an earlier run's remote copies."""
    if isinstance(result, Broken):
        log.warning("leftovers_not_cleared", error=str(result.error))
    elif result:
        log.info("leftovers_cleared", remote_files=result)


def tell_reload_refused(problems: Sequence[str]) -> None:
    """Write why the old configuration stays in use."""
    log.error("reload_refused", problems=list(problems))


def tell_died(error: BaseException) -> None:
    """Write what ended a worker that nobody had an answer to, with its traceback."""
    log.critical("worker_died", error=repr(error), exc_info=error)


def _figures(tally: Tally) -> dict[str, object]:
    return {
        "duration_s": tally.duration_ms / 1000,
        "chunks": tally.chunks,
        "reused": tally.reused,
        "repairs": tally.repairs,
        "billed_s": tally.audio_s,
        "cost": tally.cost,
        "currency": tally.currency,
    }
