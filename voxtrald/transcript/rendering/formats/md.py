"""Markdown (CommonMark): a heading, a few facts, and paragraphs with the times they begin."""

from __future__ import annotations

import re

from voxtrald.naming import shown
from voxtrald.transcript.document import Document
from voxtrald.transcript.rendering.clocks import clock
from voxtrald.transcript.rendering.paragraphs import Paragraph, paragraphs

_MARKUP = re.compile(r"([\\`*_\[\]<>#&~|])")


def render(document: Document) -> str:
    """Write the transcript so that nothing in it is taken for markup."""
    blocks = [
        f"# {_escape(shown(document.source.name))}",
        _facts(document),
        *(_render_paragraph(paragraph) for paragraph in paragraphs(document.transcript)),
    ]
    return "\n\n".join(blocks) + "\n"


def _facts(document: Document) -> str:
    facts = {
        "Duration": clock(document.source.duration_ms),
        "Language": document.transcript.language,
        "Model": document.engine.model,
    }
    return "\n".join(f"- {name}: {_escape(shown(value))}" for name, value in facts.items() if value)


def _render_paragraph(paragraph: Paragraph) -> str:
    if paragraph.is_note:
        return f"*{_escape(paragraph.text)}*"
    speaker = f" {_escape(paragraph.speaker)}:" if paragraph.speaker else ""
    return f"**{clock(paragraph.start_ms)}{speaker}** {_escape(paragraph.text)}"


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
