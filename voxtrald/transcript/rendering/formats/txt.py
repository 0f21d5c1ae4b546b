"""Plain text: a paragraph for every turn of the talk."""

from __future__ import annotations

from voxtrald.transcript.document import Document
from voxtrald.transcript.model import Transcript
from voxtrald.transcript.rendering.paragraphs import paragraphs


def render(document: Document) -> str:
    """Write the paragraphs with blank lines between them, each after its speaker's name where it is known."""
    return render_transcript(document.transcript)


def render_transcript(transcript: Transcript) -> str:
    """Do the same for a transcript of which nothing else is known."""
    shown = (
        f"{paragraph.speaker}: {paragraph.text}" if paragraph.speaker else paragraph.text
        for paragraph in paragraphs(transcript)
    )
    return "\n\n".join(shown) + "\n"
