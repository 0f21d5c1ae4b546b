"""How recordings come into the inbox: slowly, in folders, under odd names, many at once; each is done exactly once."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.e2e.daemon import files_in, wait_for
from tests.standin.faults import Hang
from tests.standin.script import TRANSCRIBE, UPLOAD

SET = ("json", "srt", "txt", "vtt")


def set_of(stem, *endings):
    """Name the files of one result."""
    return [f"{stem}.{ending}" for ending in (*SET, *endings)]


def write_in_pieces(source, target, daemon, *, pieces=10):
    """Write a file bit by bit, each piece once the daemon has had time to settle on the one before, were it fooled."""
    content = source.read_bytes()
    step = -(-len(content) // pieces)
    with target.open("wb", buffering=0) as file:
        for at in range(0, len(content), step):
            file.write(content[at : at + step])
            wait_for_quiet(daemon, 0.12)


def wait_for_quiet(daemon, seconds):
    """Let a moment pass in which a hasty daemon would act."""
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.process.wait(timeout=seconds)


def test_equal_names_never_overwrite_one_another(place, recordings):
    """Recordings of one name, and results that were there before, keep their files; sets are numbered as a whole."""
    said = {
        "talk.mp3": recordings.make("mp3-cbr", 2, seed=1),
        "talk.m4a": recordings.make("m4a-faststart", 2, seed=2),
        "sub/TALK.MP3": recordings.make("mp3-cbr", 2, seed=3),
    }
    place.outbox.mkdir()
    (place.outbox / "talk.txt").write_text("mine")
    daemon = place.start()
    for name, spoken in said.items():
        place.drop(spoken.path, name)
    daemon.wait_event("recording_done", count=3)

    assert daemon.stop() == 0
    assert (place.outbox / "talk.txt").read_text() == "mine"
    firsts = {place.outbox.joinpath(name).suffix for name in files_in(place.outbox) if name.startswith("talk (2)")}
    assert firsts >= {".txt", ".srt", ".vtt", ".json"}
    assert len(files_in(place.outbox)) == 1 + 3 * 5
    for number in (2, 3):
        source = place.result(f"talk ({number})")["source"]["name"]
        assert place.words(f"talk ({number})") == said[source].words
        assert (place.outbox / f"talk ({number}).{source[-3:]}").read_bytes() == said[source].path.read_bytes()
    assert place.words("sub/TALK") == said["sub/TALK.MP3"].words
    place.assert_clean()


def test_a_slow_writer_is_waited_for(place, recordings):
    """A file written in pieces over more than a second is taken once, whole."""
    spoken = recordings.make("mp3-cbr", 8)
    daemon = place.start({"watch": {"settle_s": 0.6}})
    write_in_pieces(spoken.path, place.inbox / "talk.mp3", daemon)
    place.finish("talk.mp3")

    assert daemon.stop() == 0
    assert place.words("talk") == spoken.words
    assert len(daemon.events("recording_begun")) == 1
    assert place.standin.paid.total() == 1


def test_a_file_that_changes_while_it_is_worked_on_starts_over(place, recordings):
    """A recording replaced while its first version is at the service gets the transcript of the second."""
    first, second = recordings.make(seed=1), recordings.make(seed=2)
    place.standin.script.add(Hang())
    daemon = place.start()
    target = place.drop(first.path, "memo.wav")
    daemon.wait_event("recording_begun")
    wait_for(lambda: place.standin.script.hanging, what="a transcription on its way")
    target.write_bytes(second.path.read_bytes())
    place.standin.script.release()
    place.finish("memo.wav")

    assert daemon.stop() == 0
    assert place.words("memo") == second.words
    assert (place.outbox / "memo.wav").read_bytes() == second.path.read_bytes()
    assert len(daemon.events("recording_changed")) == 1
    assert len(daemon.events("recording_done")) == 1
    assert files_in(place.outbox) == set_of("memo", "wav")


UNFINISHED = (".hidden.wav", "talk.wav.part", "talk.crdownload", "~$talk.wav", "talk.wav.tmp")


def test_unfinished_names_wait_for_their_real_one(place, recordings):
    """Files under the names of unfinished downloads and copies are left alone until they are renamed."""
    daemon = place.start()
    unfinished = [place.drop(recordings.make(seed=seed).path, name) for seed, name in enumerate(UNFINISHED, start=1)]
    place.drop(recordings.make(seed=9).path, "other.wav")
    place.finish("other.wav")
    assert files_in(place.inbox) == sorted(UNFINISHED)
    for seed, path in enumerate(unfinished, start=1):
        path.rename(place.inbox / f"talk-{seed}.wav")
    place.finish(*(f"talk-{seed}.wav" for seed in range(1, 6)))

    assert daemon.stop() == 0
    assert [place.words(f"talk-{seed}") for seed in range(1, 6)] == [
        recordings.make(seed=seed).words for seed in range(1, 6)
    ]
    place.assert_clean()


def test_a_folder_moved_in_whole_is_mirrored(place, recordings, tmp_path):
    """Recordings in a folder with sub-folders, moved in at once, come out under the same paths."""
    kinds = {"a/one.wav": 1, "a/b/two.wav": 2, "a/b/c d/drei und vier.wav": 3, "a/b/ņ/пять.wav": 4}
    folder = tmp_path / "elsewhere"
    for name, seed in kinds.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recordings.make("wav", 2, seed=seed).path, folder / name)
    daemon = place.start()
    (folder / "a").rename(place.inbox / "a")
    place.finish(*kinds)

    assert daemon.stop() == 0
    assert {name: place.words(name.removesuffix(".wav")) for name in kinds} == {
        name: recordings.make("wav", 2, seed=seed).words for name, seed in kinds.items()
    }
    place.assert_clean()


def test_links_and_pipes_are_left_alone_with_a_word(place, recordings, tmp_path):
    """A symbolic link and a named pipe are neither read nor moved, and are mentioned once."""
    secret = tmp_path / "secret.wav"
    shutil.copyfile(recordings.make(seed=5).path, secret)
    daemon = place.start({"watch": {"rescan_s": 0.2}})
    (place.inbox / "link.wav").symlink_to(secret)
    os.mkfifo(place.inbox / "pipe.wav")
    daemon.wait_event("left_alone", count=2)
    place.drop(recordings.make().path, "memo.wav")
    place.finish("memo.wav")

    assert daemon.stop() == 0
    told = {(event["path"], event["what"]) for event in daemon.events("left_alone")}
    assert told == {("link.wav", "symbolic_link"), ("pipe.wav", "named_pipe")}
    assert len(daemon.events("left_alone")) == 2
    assert (place.inbox / "link.wav").is_symlink()
    assert (place.inbox / "pipe.wav").is_fifo()
    assert place.standin.paid.total() == 1


PLAYLISTS = {
    "hls.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n",
    "concat.wav": "ffconcat version 1.0\nfile '{secret}'\n",
    "session.m4a": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
}


def test_a_playlist_under_a_recordings_name_opens_nothing(place, recordings, tmp_path, make_files):
    """Playlists called .mp3 are quarantined; no file and no address in them is opened, nothing is sent."""
    secret = tmp_path / "secret.wav"
    shutil.copyfile(recordings.make(seed=5).path, secret)
    os.utime(secret, ns=(0, secret.stat().st_mtime_ns))  # reading it would set a new access time
    blanks = {"url": f"{place.standin.url}/blob/audio/x", "secret": secret}
    make_files(place.inbox, {name: text.format(**blanks) for name, text in PLAYLISTS.items()})
    daemon = place.start()
    place.wait_for_error(*PLAYLISTS, *(f"{name}.error.txt" for name in PLAYLISTS))

    assert daemon.stop() == 0
    asked_at_the_start = {"/v1/files", "/v1/models"}
    assert {request.path for request in place.standin.requests} <= asked_at_the_start
    assert place.standin.calls(UPLOAD) == ()
    assert secret.stat().st_atime_ns == 0


NO_RECORDINGS = {
    "empty.mp3": (b"", "empty"),
    "noise.mp3": (bytes(range(256)) * 64, "unreadable"),
    "page.wav": (b"<!DOCTYPE html><html><body>404</body></html>", "unsupported"),
}


def test_what_is_no_recording_is_set_aside_with_its_reason(place, make_files):
    """Files without sound go to the error folder as they are, each with a report; nothing is sent."""
    make_files(place.inbox, {name: content for name, (content, _) in NO_RECORDINGS.items()})
    daemon = place.start()
    place.wait_for_error(*NO_RECORDINGS, *(f"{name}.error.txt" for name in NO_RECORDINGS))

    assert daemon.stop() == 0
    reasons = {event["recording"]: event["reason"] for event in daemon.events("recording_failed")}
    assert reasons == {name: reason for name, (_, reason) in NO_RECORDINGS.items()}
    assert len(daemon.events("recording_failed")) == len(NO_RECORDINGS)
    assert {name: (place.error / name).read_bytes() for name in NO_RECORDINGS} == {
        name: content for name, (content, _) in NO_RECORDINGS.items()
    }
    assert place.standin.calls(UPLOAD) == ()
    assert files_in(place.inbox) == []


@pytest.mark.parametrize("mode", ["events", "polling"])
def test_recordings_come_before_and_after_the_start(place, recordings, mode):
    """What lay in the inbox before the start and what comes later is done, with events and with polling."""
    place.drop(recordings.make(seed=1).path, "before.wav")
    daemon = place.start({"watch": {"mode": mode, "rescan_s": 0.3}})
    place.drop(recordings.make(seed=2).path, "sub/after.wav")
    place.finish("before.wav", "sub/after.wav")

    assert daemon.stop() == 0
    assert place.words("before") == recordings.make(seed=1).words
    assert place.words("sub/after") == recordings.make(seed=2).words
    place.assert_clean()


def test_many_memos_at_once_keep_all_requests_busy_and_no_more(place, recordings):
    """120 memos dropped at once are all exact, with as many requests in flight as allowed and never more."""
    memos = {f"memo-{seed}": recordings.make("wav", 1, seed=seed) for seed in range(1, 121)}
    place.standin.latency = (0.05, 0.0)
    daemon = place.start({"limits": {"requests": 4}})
    folder = place.root / "memos"
    folder.mkdir()
    for name, memo in memos.items():
        shutil.copyfile(memo.path, folder / f"{name}.wav")
    folder.rename(place.inbox / "memos")
    daemon.wait_event("recording_done", count=120, timeout_s=120)

    assert daemon.stop() == 0
    wrong = [name for name, memo in memos.items() if place.words(f"memos/{name}") != memo.words]
    assert wrong == []
    assert len(daemon.events("recording_begun")) == 120
    assert place.standin.max_in_flight == 4
    assert set(place.standin.paid.values()) == {1}
    place.assert_clean()


def test_a_rule_gives_a_folder_its_own_language(place, recordings):
    """A recording in a sub-folder with a rule is asked for in that rule's language, others are not."""
    daemon = place.start({"rules": [{"match": "lv/**", "engine": {"language": "lv"}}]})
    place.drop(recordings.make(seed=1).path, "lv/runa.wav")
    place.drop(recordings.make(seed=2).path, "talk.wav")
    place.finish("lv/runa.wav", "talk.wav")

    assert daemon.stop() == 0
    languages = {request.values("language") for request in place.standin.calls(TRANSCRIBE)}
    assert languages == {("lv",), ()}
    assert place.result("lv/runa")["engine"]["parameters"]["language"] == "lv"
    assert place.words("lv/runa") == recordings.make(seed=1).words


def test_the_same_content_is_never_paid_twice(place, recordings):
    """A recording dropped again under another name or for other formats costs nothing, and the result says so."""
    spoken = recordings.make("mp3-cbr", 3)
    daemon = place.start()
    place.drop(spoken.path, "talk.mp3")
    place.finish("talk.mp3")
    place.drop(spoken.path, "again/renamed.mp3")
    place.finish("again/renamed.mp3")
    assert daemon.stop() == 0
    place.start({"output": {"formats": ["txt", "json", "md", "html"]}})
    place.drop(spoken.path, "formats.mp3")
    place.finish("formats.mp3")

    assert len(place.standin.calls(TRANSCRIBE)) == 1
    assert place.result("talk")["chunks"][0]["reused"] is False
    for stem in ("again/renamed", "formats"):
        assert place.result(stem)["chunks"][0]["reused"] is True
        assert place.result(stem)["usage"]["audio_s"] == 0
        assert place.words(stem) == spoken.words
    assert set(files_in(place.outbox)) >= {f"formats.{ending}" for ending in ("txt", "json", "md", "html", "mp3")}


@pytest.mark.parametrize("originals", ["keep", "delete"])
def test_the_original_may_stay_or_go(place, recordings, originals):
    """With `keep` the recording stays in the inbox and is not done again after a restart; with `delete` it is gone."""
    spoken = recordings.make()
    daemon = place.start({"output": {"originals": originals}})
    place.drop(spoken.path, "memo.wav")
    daemon.wait_event("recording_done")
    assert daemon.stop() == 0
    again = place.start()
    place.drop(recordings.make(seed=2).path, "other.wav")
    again.wait_event("recording_done")

    assert again.stop() == 0
    assert [event["recording"] for event in again.events("recording_begun")] == ["other.wav"]
    assert files_in(place.outbox) == sorted([*set_of("memo"), *set_of("other")])[: 2 * len(SET)]
    assert files_in(place.inbox) == (["memo.wav", "other.wav"] if originals == "keep" else [])
