"""What people may write beside their recordings, and what they are told where it cannot be meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import read_names, read_sidecar
from voxtrald.config.sidecars import KEYS, MOST_PROBLEMS

PLACE = "lv/voxtrald.yaml"
ALL = """\
language: lv
vocabulary: [Rēzekne, "C#, the language"]
diarize: true
timestamps: word
speakers: {speaker_1: Anna, Key: Jānis Key}
formats: [txt, srt]
engine: here
"""


def told(text):
    """Give what is said about a file."""
    content = text if isinstance(text, bytes) else text.encode()
    return [str(problem) for problem in read_sidecar(content, file=PLACE)[1]]


def test_every_key_can_be_written():
    """The friendly keys are read as they stand, in words of any language."""
    sidecar, problems = read_sidecar(ALL.encode(), file=PLACE)

    assert problems == ()
    assert all(map(sidecar.wrote, KEYS))
    assert (sidecar.language, sidecar.vocabulary) == ("lv", ("Rēzekne", "C#, the language"))
    assert dict(sidecar.speakers) == {"speaker_1": "Anna", "Key": "Jānis Key"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_editors_make_of_text_is_read(encoding):
    """A file is read with a mark at its beginning and in UTF-16, as some editors save it."""
    sidecar, problems = read_sidecar("vocabulary: [Rēzekne]\r\n".encode(encoding), file=PLACE)

    assert (sidecar.vocabulary, problems) == (("Rēzekne",), ())


@pytest.mark.parametrize("text", ["", "# language: lv\n", "---\n"])
def test_an_empty_file_changes_nothing(text):
    """A file in which everything is commented out is a good one."""
    sidecar, problems = read_sidecar(text.encode(), file=PLACE)

    assert problems == ()
    assert not any(map(sidecar.wrote, KEYS))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("languag: lv\n", 1, "did you mean `language`?"),
        ("context_bias: [a]\n", 1, "did you mean `vocabulary`?"),
        ("diarize: true\nfolders: {inbox: /}\n", 2, "there are language, vocabulary"),
        ("api_key: x\n", 1, "is not a key that can be set here"),
        ("limits: {max_cost_per_day: 9}\n", 1, "is not a key that can be set here"),
        ("language: Latvian\n", 1, "is not a language code"),
        ("vocabulary: Rēzekne\n", 1, "must be a list"),
        ("formats: [txt, docx]\n", 1, "must be one of"),
        ("formats: []\n", 1, "must not be empty"),
        ("speakers: [Anna]\n", 1, "must be a group of keys"),
        ('speakers: {speaker_1: "A\\nB"}\n', 1, "must be a name in one line"),
        ("engine: {kind: local}\n", 1, "must be text"),
        ("language:\n\tlv\n", 2, "indent with spaces, not tabs"),
        ("language: lv\nlanguage: de\n", 2, "is given twice, first in line 1"),
        ("a: &a [x]\nvocabulary: *a\n", 2, "cannot be used"),
        ("vocabulary: &v [x, *v]\n", 1, "cannot be used"),
        ("- lv\n", None, "must hold keys such as `language: lv`"),
        ("[" * 2000, None, "is nested too deeply"),
        ("vocabulary: [Rēzekne]\n".encode("cp1257"), 1, "save it as UTF-8 text"),
        (b"\0\1\2", 1, "save it as UTF-8 text"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, said):
    """Each mistake is named with where it stands and what to write instead."""
    first = told(text)[0]

    assert first.startswith(f"{PLACE}:{line}: " if line else f"{PLACE}: ")
    assert said in first


def test_a_flood_of_mistakes_is_told_in_part():
    """A file with thousands of wrong keys is refused with the first of them, and soon."""
    assert len(told("".join(f"k{number}: 1\n" for number in range(3000)))) == MOST_PROBLEMS


def test_values_that_stand_for_too_much_are_not_worked_out():
    """References that would fill any memory are refused before anything is made of them."""
    doubled = "\n".join(f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]" for n in range(1, 60))

    assert "cannot be used" in told(f"k0: &k0 [x, x]\n{doubled}\n")[0]


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_content_is_read_or_refused(content):
    """Whatever a file holds, there is a sidecar or at least one reason why not."""
    sidecar, problems = read_sidecar(content, file=PLACE)
    names, refused = read_names(content, file=PLACE)

    assert (sidecar is None) == bool(problems)
    assert not (names and refused)


def test_what_the_page_shows_can_be_copied():
    """Every example on the page for people is read without a problem."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "sidecars.md").read_text("utf-8")
    examples = re.findall(r"^```text\n(# inbox/.*?)^```$", page, re.DOTALL | re.MULTILINE)
    lists = re.findall(r"^```text\n(# people.*?)^```$", page, re.DOTALL | re.MULTILINE)

    assert len(examples) > 1
    assert [told(text) for text in examples] == [[]] * len(examples)
    assert [read_names(text.encode(), file="names.txt")[1] for text in lists] == [()]


def test_the_page_names_every_key():
    """The page for people has a line for each key, and for no other."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "sidecars.md").read_text("utf-8")
    table = page.partition("| Line | Meaning |")[2].partition("\n\n")[0]

    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(KEYS)


# --- lists of names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_has_one_name_in_each_line(encoding):
    """Blank lines and remarks are passed over, blanks around a name too, and no name comes twice."""
    text = "# people\r\nJānis Key\r\n\r\n  C# \r\nJānis Key\r\n"

    assert read_names(text.encode(encoding), file="names.txt") == (("Jānis Key", "C#"), ())


@pytest.mark.parametrize(
    ("content", "line"),
    [("ok\nRēzekne\n".encode("cp1257"), 2), (b"ok\nbell \7\n", 2), (("x" * 101).encode(), 1)],
)
def test_what_is_no_name_is_told_with_its_line(content, line):
    """Text of another encoding, signs that cannot be shown, and whole paragraphs are no names."""
    names, problems = read_names(content, file="names.txt")

    assert names == ()
    assert [problem.line for problem in problems] == [line]
