"""Which names are recordings, and what results are called."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.naming import (
    IgnoreRules,
    fit_name,
    free_stem,
    is_recording_name,
    numbered,
    output_stem,
    shown,
)

# Names as a Linux file system may hold them: any character but the slash, and bytes that are no UTF-8.
characters = st.one_of(
    st.characters(exclude_characters="/\x00", exclude_categories=("Cs",)),
    st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=("Cs",)),
)
names = st.text(characters, min_size=1, max_size=300)
suffixes = st.lists(st.sampled_from([".txt", ".srt", ".json", ".m4a", ".error.txt"]), min_size=1, unique=True)


def is_recording(path, *patterns):
    """Ask about one path."""
    return is_recording_name(PurePosixPath(path), IgnoreRules(patterns))


def size_bytes(name):
    """Measure a name as it lies on disk."""
    return len(name.encode("utf-8", "surrogateescape"))


# --- which names are recordings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "talk.m4a",
        "TALK.WAV",
        "recording without extension",
        "Termin mit Frau Müller (3).mp3",
        "lv/2024/saruna.ogg",
        "txt",
        "download.mp3",
        "part.wav",
        "a~b.wav",
        "-rf.mp3",
        "line\nbreak.mp3",
        "bytes \udcff.mp3",
        "film.mkv",
        "archive.zip",
    ],
)
def test_every_other_name_is_offered(path):
    """A name is a recording unless something speaks against it."""
    assert is_recording(path)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "talk.mp3.crdownload",
            "Unconfirmed 4711.crdownload",
            "talk.mp3.part",
            "talk.opdownload",
            "talk.mp3.!ut",
        ),
        *(
            "talk.mp3.download/talk.mp3",
            ".talk.mp3.Xy12Zq",
            ".syncthing.talk.mp3.tmp",
            "~syncthing~talk.mp3.tmp",
        ),
        *(".stfolder/x.mp3", ".stversions/talk.mp3", "talk.mp3.ocTransferId123.part", "a.ocTransferId9"),
        *("._sync_abc.db", ".owncloudsync.log", "talk.mp3.filepart", "upload.TMP"),
        *(
            ".DS_Store",
            "._talk.mp3",
            ".Spotlight-V100/x",
            ".Trashes/talk.mp3",
            ".fseventsd/1",
            ".AppleDouble/a.wav",
        ),
        *(
            "@eaDir/talk.mp3/x.jpg",
            "#recycle/talk.mp3",
            ".@__thumb/a.mp3",
            "@Recycle/a.mp3",
            "lost+found/#12",
        ),
        *("~$talk.docx", "Thumbs.db", "THUMBS.DB", "desktop.ini", ".talk.mp3.swp", "talk.mp3~"),
        *("talk.m4a.error.txt", "talk.partial.txt", ".voxtrald-1234", "sub/.voxtrald-tmp/talk.mp3"),
        *("names.txt", "lv/names.txt", "voxtrald.yaml", "talk.voxtrald.yaml"),
    ],
)
def test_names_of_other_programs_are_ignored(path):
    """Temporary, hidden and system files are passed over in silence, wherever they are."""
    assert IgnoreRules().ignores(PurePosixPath(path))
    assert not is_recording(path)


@pytest.mark.parametrize("path", ["report.pdf", "notes.TXT", "sub/cover.jpg", "talk.srt", "evil.m3u8", "link.url"])
def test_papers_and_playlists_are_not_recordings_but_are_not_ignored(path):
    """What is certainly no recording is left alone, though not in silence."""
    assert not is_recording(path)
    assert not IgnoreRules().ignores(PurePosixPath(path))


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("drafts", "drafts/talk.mp3", True),
        ("drafts", "a/Drafts/talk.mp3", True),
        ("drafts/", "a/drafts/talk.mp3", True),
        ("/drafts", "a/drafts/talk.mp3", False),
        ("/drafts", "drafts/a/talk.mp3", True),
        ("drafts/*", "drafts/talk.mp3", True),
        ("drafts/*.wav", "drafts/a/talk.wav", False),
        ("drafts/**", "drafts/a/b/talk.mp3", True),
        ("**/raw/*.wav", "raw/a.wav", True),
        ("**/raw/*.wav", "x/y/raw/a.wav", True),
        ("test?.mp3", "test1.mp3", True),
        ("test?.mp3", "test12.mp3", False),
        ("take[0-9]*", "take5 b.wav", True),
        ("take[!0-9]*", "take5 b.wav", False),
        ("*", "anything.mp3", True),
        ("a*c*e.mp3", "abcde.mp3", True),
        ("a+b.mp3", "aab.mp3", False),
        ("", "talk.mp3", False),
        ("R\u0113zekne*", "re\u0304zekne.mp3", True),
    ],
)
def test_a_users_pattern_ignores_what_it_says(pattern, path, expected):
    """A pattern is about names anywhere, or with a slash about paths; folders take all along."""
    assert expected is IgnoreRules([pattern]).ignores(PurePosixPath(path))


def test_a_senseless_pattern_is_refused():
    """A range that runs backwards is a mistake to be told, not a pattern that never matches."""
    with pytest.raises(ValueError, match=r"\[z-a\]"):
        IgnoreRules(["[z-a].mp3"])


# --- what results are called --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "stem", "expected"),
    [
        ("{stem}", "talk", "talk"),
        ("{date} {stem}-{job}", "talk", "2026-11-23 talk-j7"),
        ("{stem}", "{date} of {stem.__class__}", "{date} of {stem.__class__}"),
        ("{what} {stem}", "talk", "{what} talk"),
        ("{date}/{stem}", "talk", "2026-11-23_talk"),
        ("../{stem}", "talk", ".._talk"),
        ("", "talk", "talk"),
        ("..", "talk", "talk"),
    ],
)
def test_a_template_makes_one_name(template, stem, expected):
    """The three fields are filled in once, and the result is never a path."""
    assert expected == output_stem(template, stem=stem, date="2026-11-23", job="j7")


def test_numbers_begin_with_the_second():
    """The first of a series has no number."""
    assert [numbered("talk", n) for n in (1, 2, 3)] == ["talk", "talk (2)", "talk (3)"]


@given(stem=names, suffix=st.one_of(st.just(".srt"), names))
def test_a_fitted_name_fits_and_stays(stem, suffix):
    """A fitted name has at most 255 bytes, keeps a suffix that fits, and stays so when fitted again."""
    name = fit_name(stem, suffix)

    assert size_bytes(name) <= 255
    assert name.endswith(suffix) or size_bytes(suffix) > 255
    assert name == fit_name(name.removesuffix(suffix), suffix) or size_bytes(suffix) > 255


@given(stem=names)
def test_a_name_that_fits_is_left_as_it_is(stem):
    """Nothing is shortened without need."""
    if size_bytes(stem) <= 251:
        assert stem + ".srt" == fit_name(stem, ".srt")


@given(stem=names, suffixes=suffixes, taken=st.lists(st.integers(1, 6)), is_folded=st.booleans())
def test_a_free_stem_is_free_for_the_whole_set(stem, suffixes, taken, is_folded):
    """No file of the set exists under the stem found, whichever exist and whether or not case matters."""
    fold = str.casefold if is_folded else str
    existing = {fold(fit_name(stem, numbered("", n) + suffixes[n % len(suffixes)])) for n in taken}

    found = free_stem(stem, suffixes, lambda name: fold(name) in existing)

    assert not {fold(found + suffix) for suffix in suffixes} & existing
    assert all(size_bytes(found + suffix) <= 255 for suffix in suffixes)


def test_the_whole_set_moves_on_when_one_file_is_taken():
    """A result never stands half under one number and half under another."""
    assert free_stem("talk", [".txt", ".srt"], {"talk.srt", "talk (2).txt"}.__contains__) == "talk (3)"


def test_a_long_name_keeps_its_number():
    """Two recordings whose names differ only past the limit get different names."""
    first = free_stem("ä" * 200, [".json"], lambda _: False)
    second = free_stem("ä" * 200, [".json"], {first + ".json"}.__contains__)

    assert second.endswith(" (2)")
    assert size_bytes(second + ".json") <= 255


# --- what people are shown ----------------------------------------------------------------------------------


@given(name=names)
def test_a_shown_name_is_one_harmless_line(name):
    """What is shown has no control characters, can be encoded, and showing it again changes nothing."""
    line = shown(name)

    assert line.isprintable()
    assert line.encode()
    assert line == shown(line)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Pārrunas № 3 (ä).mp3", "Pārrunas № 3 (ä).mp3"),
        ("two\nlines.mp3", "two\\nlines.mp3"),
        ("red \x1b[31m.mp3", "red \\x1b[31m.mp3"),
        ("latin-1 \udce4.mp3", "latin-1 \\xe4.mp3"),
        (f"x{unicodedata.lookup('RIGHT-TO-LEFT OVERRIDE')}3pm.exe", "x\\u202e3pm.exe"),
    ],
)
def test_a_name_is_shown_as_it_is_unless_it_deceives(name, expected):
    """Letters of every language stay; line breaks, terminal controls and turned writing are escaped."""
    assert expected == shown(name)
