"""A web page of one file, to read in a browser or to send by mail; it loads nothing and runs nothing."""

from __future__ import annotations

from html import escape

from voxtrald.naming import shown
from voxtrald.transcript.document import Document
from voxtrald.transcript.rendering.clocks import clock
from voxtrald.transcript.rendering.paragraphs import Paragraph, paragraphs

# The policy is the second lock: the text comes from a recording that anybody may have made.
_PAGE = """\
<!doctype html>
<html{language}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ max-width: 42em; margin: 2em auto; padding: 0 1em; font: 1em/1.6 system-ui, sans-serif; }}
time {{ color: #767676; margin-inline-end: .5em; }}
.note {{ font-style: italic; }}
</style>
</head>
<body>
<h1>{title}</h1>
{paragraphs}
</body>
</html>
"""


def render(document: Document) -> str:
    """Write the transcript as a page in its own language; each paragraph finds its own writing direction."""
    language = document.transcript.language
    return _PAGE.format(
        language=f' lang="{escape(language)}"' if language else "",
        title=escape(shown(document.source.name)),
        paragraphs="\n".join(_render_paragraph(paragraph) for paragraph in paragraphs(document.transcript)),
    )


def _render_paragraph(paragraph: Paragraph) -> str:
    text = escape(paragraph.text, quote=False)
    if paragraph.is_note:
        return f'<p class="note">{text}</p>'
    speaker = f"<b>{escape(paragraph.speaker, quote=False)}:</b> " if paragraph.speaker else ""
    return f'<p dir="auto"><time>{clock(paragraph.start_ms)}</time>{speaker}{text}</p>'
