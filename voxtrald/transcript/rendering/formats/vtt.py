"""WebVTT subtitles, after the W3C's "WebVTT: The Web Video Text Tracks Format"."""

from __future__ import annotations

from voxtrald.transcript.document import Document
from voxtrald.transcript.rendering.clocks import precise_clock
from voxtrald.transcript.rendering.cues import Cue, plan_cues

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render(document: Document) -> str:
    """Write cues with voice tags; escaping also keeps a spoken arrow from starting a cue."""
    cues = plan_cues(document.transcript, label_speakers=False)
    return "\n".join(["WEBVTT\n", *(_render_cue(cue) for cue in cues)])


def _render_cue(cue: Cue) -> str:
    start = precise_clock(cue.start_ms, separator=".")
    end = precise_clock(cue.end_ms, separator=".")
    voice = f"<v {cue.speaker.translate(_ESCAPES)}>" if cue.speaker else ""
    text = "\n".join(line.translate(_ESCAPES) for line in cue.lines)
    return f"{start} --> {end}\n{voice}{text}\n"
