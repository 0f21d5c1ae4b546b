"""From a server's answer to a transcript, whatever of OpenAI's formats it chose. Pure.

`segments` may be missing, words may stand beside them, some servers count in nanoseconds, and some send bare text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from voxtrald.engines.compatible.languages import code_of
from voxtrald.engines.http.answers import read_transcription
from voxtrald.engines.http.replies import Errand, Reply, parse_json, read_object
from voxtrald.transcript.model import Answer

_NANOSECONDS_PER_S = 1_000_000_000
_MOST_SECONDS = 1_000_000  # more than eleven days: LocalAI's older versions count in nanoseconds
_NOT_A_LETTER = re.compile(r"\W+")
_NO_WORDS = "timestamp_granularities=word"


def read_compatible(reply: Reply, *, wants_words: bool) -> Answer:
    """Read a transcription; with `wants_words` every word is a segment, where the server gave words.

    An answer's `duration` is not what was heard: some servers mean the end of the last word by it.

    Raises:
        ApiGarbled: where there is no text.
    """
    body = _body(reply)
    text = body.get("text")
    words = _spell(_entries(body.get("words")), text if isinstance(text, str) else "") if wants_words else []
    timed = words or _entries(body.get("segments"))
    answer = read_transcription({**body, "segments": timed, "duration": None}, reply)
    is_short_of_words = wants_words and not words and bool(answer.text.strip())
    return replace(answer, language=code_of(body.get("language")), dropped=(_NO_WORDS,) if is_short_of_words else ())


def _body(reply: Reply) -> Mapping[str, object]:
    """Take the answer as an object; a server that was told of no format may send the text and nothing else."""
    parsed = parse_json(reply.body)
    if isinstance(parsed, str):
        return {"text": parsed}
    if not isinstance(parsed, dict) and reply.headers.get("content-type", "").startswith("text/plain"):
        return {"text": reply.body.decode("utf-8", "replace").strip()}
    return read_object(reply, Errand.TRANSCRIBE)


def _entries(value: object) -> list[Mapping[str, object]]:
    entries = value if isinstance(value, list) else []
    return [
        {**entry, "start": _in_seconds(entry.get("start")), "end": _in_seconds(entry.get("end"))}
        for entry in entries
        if isinstance(entry, dict)
    ]


def _in_seconds(value: object) -> object:
    if isinstance(value, int | float) and abs(value) >= _MOST_SECONDS:
        return value / _NANOSECONDS_PER_S
    return value


def _spell(words: Sequence[Mapping[str, object]], text: str) -> list[Mapping[str, object]]:
    """Make segments of words, spelt as in the text: OpenAI leaves out punctuation where it lists words.

    Words that do not add up to the text are no use: something would be missing.
    """
    said = [word["word"] for word in words if isinstance(word.get("word"), str)]
    spelt = text.split()
    if len(said) < len(words) or _letters(said) != _letters(spelt):
        return []
    is_same = len(said) == len(spelt) and all(
        _letters([one]) == _letters([other]) for one, other in zip(said, spelt, strict=True)
    )
    return [{**word, "text": each} for word, each in zip(words, spelt if is_same else said, strict=True)]


def _letters(words: Iterable[object]) -> str:
    return _NOT_A_LETTER.sub("", "".join(map(str, words))).lower()
