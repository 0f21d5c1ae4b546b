"""How the work stands, in the one line that `systemctl status` shows. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from voxtrald.service.situation import ServiceState, Situation

STATUS_CHARACTERS = 600
"""How long the line may get; sd_notify(3) takes 4096 bytes in all."""


def status_text(situation: Situation, *, is_stopping: bool = False, refused: str = "") -> str:
    """Say what runs and waits, then what stands still and why.

    Args:
        situation: how the work stands.
        is_stopping: whether it comes to its end.
        refused: what is wrong with a configuration that was not accepted, or empty.
    """
    free = max(0, situation.waiting - situation.held - situation.mending)
    counts = (
        (situation.working, "running"),
        (free, "waiting"),
        (situation.held, "held by a limit on spending"),
        (situation.mending, "held by a file beside them"),
    )
    work = ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing to do"
    stopping = ("stopping",) if is_stopping else ()
    kept = (f"reload refused, the old configuration stays: {refused}",) if refused else ()
    line = "; ".join(" ".join(part.split()) for part in (*stopping, work, *_troubles(situation), *kept))
    return line if len(line) <= STATUS_CHARACTERS else f"{line[: STATUS_CHARACTERS - 1]}…"


def _troubles(situation: Situation) -> Iterator[str]:
    if situation.inbox_trouble:
        yield f"the inbox is away: {situation.inbox_trouble}"
    if situation.storage_trouble:
        yield situation.storage_trouble
    yield from filter(None, map(_service_trouble, situation.services))


def _service_trouble(service: ServiceState) -> str:
    match service.state:
        case "held":
            return f"held: {service.reason} ({service.service})"
        case "open":
            return f"{service.service} does not answer; it goes on by itself"
        case _:
            return ""
