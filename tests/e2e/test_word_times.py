"""Subtitles from a model that times every word, through the installed command."""

from __future__ import annotations

import re
from itertools import accumulate

from tests.e2e.daemon import SMALL_CHUNKS

CUE = re.compile(r"\d+\n(\d+):(\d+):(\d+),(\d+) --> \S+\n((?:.+\n)+)")
DRIFT_MS = 80


def cues(text):
    """The cues of a subtitle file: where each begins in milliseconds, and its words."""
    for hours, minutes, seconds, rest, lines in CUE.findall(text):
        yield ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(rest), lines.split()


def test_words_become_subtitles(place, recordings):
    """Words timed one by one, over several chunks, are gathered into cues that begin when their first word is said."""
    spoken = recordings.make("wav", 30, seed=5)
    place.start({"engine": {"model": "voxtral-mini-2602", "timestamps": "word"}, "chunks": SMALL_CHUNKS})
    place.drop(spoken.path, "talk.wav")
    place.finish("talk.wav")

    shown = list(cues((place.outbox / "talk.srt").read_text(encoding="utf-8")))
    result = place.result("talk")
    assert [word for _, words in shown for word in words] == spoken.words
    assert max(len(words) for _, words in shown) > 1
    lengths = accumulate((len(words) for _, words in shown[:-1]), initial=0)
    drifts_ms = [abs(start_ms - spoken.placed[at].start_ms) for (start_ms, _), at in zip(shown, lengths, strict=True)]
    assert max(drifts_ms) < DRIFT_MS
    assert [segment["text"].strip() for segment in result["segments"]] == spoken.words
    assert len(result["chunks"]) > 1
    assert result["engine"]["parameters"]["timestamp_granularities"] == ["word"]
    assert result["engine"]["downgrades"] == []
    place.assert_clean()
