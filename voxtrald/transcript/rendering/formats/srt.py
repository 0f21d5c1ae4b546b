"""SubRip subtitles, as described in the Matroska specification's chapter on S_TEXT/UTF8."""

from __future__ import annotations

from voxtrald.transcript.document import Document
from voxtrald.transcript.rendering.clocks import precise_clock
from voxtrald.transcript.rendering.cues import Cue, plan_cues


def render(document: Document) -> str:
    """Write numbered cues; a new speaker's name stands before the words, as the format has no other place."""
    cues = plan_cues(document.transcript, label_speakers=True)
    return "\n".join(_render_cue(number, cue) for number, cue in enumerate(cues, start=1)) or "\n"


def _render_cue(number: int, cue: Cue) -> str:
    start = precise_clock(cue.start_ms, separator=",")
    end = precise_clock(cue.end_ms, separator=",")
    # SubRip has no way to escape: an arrow in the text would start a new cue in some players.
    text = "\n".join(cue.lines).replace("-->", "→")
    return f"{number}\n{start} --> {end}\n{text}\n"
