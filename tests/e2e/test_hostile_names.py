"""A name is a name: whatever a recording is called, it is transcribed, and nothing else is read, written or opened."""

from __future__ import annotations

import json
import os
import socket

import pytest

from tests.e2e.daemon import files_in, wait_for
from tests.hostile.expecting import EXPECTED
from tests.hostile.making import CANARY, FILES, Kit, said

MEMO_S = 1.2
NAMES = (
    "line\nbreak.wav",
    "quo\"te's.wav",
    "%03d.wav",
    "%s%n{stem}.wav",
    "-i.wav",
    "-report.wav",
    "--.wav",
    "x" * 251 + ".wav",
    os.fsdecode(b"\xff\xfe\x80 bytes.wav"),
    "   .wav",
    "a...  .wav",
    "\x01\x07\x1b[2Jcontrol.wav",
    "\N{RIGHT-TO-LEFT OVERRIDE}vaw.mp3.wav",
    "\N{LEFT-TO-RIGHT MARK}\N{ZERO WIDTH SPACE}.wav",
    "concat:a.wav|b.wav",
    "http:example.wav",
    "subfile,,start,0,end,9,,:talk.wav",
    "$(touch gone) `touch gone`; touch gone.wav",
    "*?[a-z].wav",
    "back\\slash.wav",
    "combining a\N{COMBINING RING ABOVE}.wav",
    "\N{SNOWMAN}" * 80 + ".wav",
    ".error.txt.wav",
)
HIDDEN = ("....wav", ".error.txt.wav")
"""Hidden files are left alone."""

SELECTION = (
    *("hls-http.wav", "concat-relative.mp3", "dref-http.mp4", "one-hertz.wav", "hole.webm", "tracks-10000.mkv"),
    *("length-0.wav", "flips.m4a", "zeros-inside.mp3", "cut.mp3", "cut-books-last.m4a", "no-samples.wav"),
    *("film.mp4", "random.mp3", "archive.m4a", "cover-address.mp3"),
)


def test_any_name_will_do(place, recordings):
    """Recordings with hostile names are transcribed like others, each with its own words."""
    shown = [name for name in NAMES if name not in HIDDEN]
    memos = {name: recordings.make("wav", MEMO_S, seed=100 + number) for number, name in enumerate(shown)}
    daemon = place.start()
    for name, memo in memos.items():
        place.drop(memo.path, name)
    done = daemon.wait_event("recording_done", count=len(memos), timeout_s=90)

    assert len(done) == len(memos)
    assert daemon.stop() == 0
    heard = sorted(path.read_text("utf-8").split() for path in place.outbox.rglob("*.txt"))
    assert heard == sorted(memo.words for memo in memos.values())
    results = [json.loads(path.read_text("utf-8")) for path in place.outbox.rglob("*.json")]
    assert len({result["source"]["name"] for result in results}) == len(memos)
    assert len(list(place.outbox.rglob("*.wav"))) == len(memos)
    assert not list(place.root.rglob("gone"))
    place.assert_clean()


def test_a_name_that_cannot_harm_in_the_error_folder(place):
    """A text with a hostile name is set aside under that name, and its report shows the name on one line."""
    names = ["a\nReason: none\x1b[2J.mp3", os.fsdecode(b"\xff\xfe.mp3"), "-rf.mp3", "%03d.mp3"]
    text = place.root / "text"
    text.write_text("Dear diary\n" * 9)
    daemon = place.start()
    for name in names:
        place.drop(text, name)
    daemon.wait_event("recording_failed", count=len(names))

    assert daemon.stop() == 0
    assert {name for name in files_in(place.error) if not name.endswith(".txt")} == set(names)
    reports = [path.read_text("utf-8") for path in place.error.glob("*.error.txt")]
    assert len(reports) == len(names)
    assert all(report.count("\nReason: ") == 1 and "\x1b" not in report for report in reports)


@pytest.mark.parametrize("name", HIDDEN)
def test_a_name_of_dots_is_left_alone(place, recordings, name):
    """What begins with a dot is hidden, and is no recording."""
    memo, seen = recordings.make("wav", MEMO_S), recordings.make("wav", MEMO_S, seed=2)
    place.drop(memo.path, name)
    place.start()
    place.drop(seen.path, "seen.wav")
    place.finish("seen.wav")

    assert files_in(place.inbox) == [name]


def test_a_daemon_outlives_a_handful_of_hostile_files(place, tmp_path_factory):
    """Dropped all at once, hostile files end in the outbox or the error folder by their verdicts; nothing is opened."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        kit = Kit(tmp_path_factory.mktemp("hostile"), listener.getsockname()[1])
        made = {name: FILES[name](kit, name) for name in SELECTION}
        daemon = place.start()
        for name, path in made.items():
            place.drop(path, f"{path.suffix[1:]}/{name}")
        wait_for(lambda: files_in(place.inbox) == [], what="an empty inbox", timeout_s=120)
        with pytest.raises(BlockingIOError):
            listener.accept()

    assert daemon.stop() == 0
    failed = {event["recording"].rpartition("/")[2]: event["reason"] for event in daemon.events("recording_failed")}
    assert failed == {name: EXPECTED[name].reason for name in SELECTION if EXPECTED[name].reason}
    texts = [path.read_text("utf-8") for folder in (place.outbox, place.error) for path in folder.rglob("*.txt")]
    assert not said(CANARY) & set(" ".join(texts).split())
    assert not daemon.events("storage_unavailable")
