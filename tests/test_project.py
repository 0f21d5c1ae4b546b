"""The files around the program agree with it and with one another."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from voxtrald import __version__

ROOT = Path(__file__).resolve().parent.parent

# Written so that this file does not hold what it looks for.
BUILD_HOMES = "work|root|builds|home/runner|Users"
BUILD_TRACES = re.compile(rf"(?<![\w.>}}])/(?:{BUILD_HOMES})/\w|python{'hosted'}|{'ghp'}_\w{{20}}")


def read(name: str) -> str:
    """Read a text file of the project."""
    return (ROOT / name).read_text("utf-8")


def read_pyproject() -> dict:
    """Read the package's metadata."""
    return tomllib.loads(read("pyproject.toml"))


def list_files() -> list[Path]:
    """List the files that belong to the project: tracked ones and new ones that git does not ignore."""
    if not (ROOT / ".git").exists():
        pytest.skip("only a git checkout tells the project's files from what lies beside them")
    owned_by_others = ["-c", f"safe.directory={ROOT}"]
    command = ["git", *owned_by_others, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if (ROOT / name).is_file()]


def list_pages() -> list[Path]:
    """List the pages that people read."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
    ]


def find_traces(text: str) -> list[str]:
    """Find what only the machine that made a file could have written into it."""
    return [match.group() for match in BUILD_TRACES.finditer(text)]


# --- what a newcomer reads first ----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_shows_the_way_in(command):
    """The README shows how to see the program work and how to test it."""
    assert command in read("README.md")


def test_every_make_target_that_a_page_names_exists():
    """Pages tell people to run only targets that the Makefile has, and `make help` lists each of them."""
    named = {target for page in list_pages() for target in re.findall(r"`make ([a-z]+)", page.read_text("utf-8"))}
    listed = set(re.findall(r"^([a-z]+):.* ## ", read("Makefile"), flags=re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (.*)$", read("Makefile"), flags=re.MULTILINE)[0].split())

    assert named - listed == set()
    assert listed == phony


def test_every_path_that_a_page_names_exists():
    """Paths of the project and links between pages lead somewhere."""
    wrong = []
    for page in list_pages():
        text = page.read_text("utf-8")
        paths = re.findall(r"`((?:voxtrald|tests|docs|benchmarks|systemd|\.ci)/[\w./-]*)`", text)
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        wrong += [f"{page.name}: {path}" for path in paths if not (ROOT / path).exists()]
        wrong += [f"{page.name}: {link}" for link in links if not (page.parent / link).exists()]

    assert wrong == []


# --- what must not be in it ---------------------------------------------------------------------------------


def test_no_file_remembers_the_machine_that_made_it():
    """No text file names a path or an address of the place where it was written."""
    texts = {path: path.read_bytes() for path in list_files()}
    traces = {
        path.relative_to(ROOT).as_posix(): found
        for path, text in texts.items()
        if b"\0" not in text and (found := find_traces(text.decode("utf-8", errors="replace")))
    }

    assert traces == {}


@pytest.mark.parametrize(
    ("text", "is_trace"),
    [
        ("see /" + "work/main/notes", True),
        ("cd '/" + "root/x'", True),
        ("https://files.python" + "hosted.org/x", True),
        ("state/work/ab12", False),
        ("{state}/work/ab12", False),
        ("/var/lib/voxtrald", False),
    ],
)
def test_a_trace_is_told_from_a_path_of_the_program(text, is_trace):
    """Absolute paths of build machines are traces; the program's own folders are not."""
    assert bool(find_traces(text)) == is_trace


# --- the package's metadata ---------------------------------------------------------------------------------


def test_the_changelog_knows_the_version():
    """The version that the program tells has a heading in the changelog."""
    headings = re.findall(r"^## \[([^\]]+)\]", read("CHANGELOG.md"), flags=re.MULTILINE)

    assert __version__ in headings


def test_the_licence_is_there_whole():
    """The licence file is the whole Apache License 2.0, names the holder, and the metadata says the same."""
    licence = read("LICENSE")

    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "Copyright 2026 the voxtrald developers" in licence
    assert read_pyproject()["project"]["license"] == "Apache-2.0"


def test_the_promised_python_versions_agree():
    """The lowest Python is the same wherever it is named, and the classifiers leave no gap above it."""
    pyproject = read_pyproject()
    floor = int(pyproject["project"]["requires-python"].removeprefix(">=3."))
    classifiers = "\n".join(pyproject["project"]["classifiers"])
    minors = [int(minor) for minor in re.findall(r":: 3\.(\d+)$", classifiers, flags=re.MULTILINE)]

    assert minors == list(range(floor, floor + len(minors)))
    assert pyproject["tool"]["mypy"]["python_version"] == f"3.{floor}"
    assert pyproject["tool"]["ruff"]["target-version"] == f"py3{floor}"
    assert f"sys.version_info < (3, {floor})" in read("Makefile")


# --- the scripts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [".ci/run", ".ci/wheel"])
def test_the_scripts_can_be_started(script):
    """The build machine's scripts are executable and bash understands them."""
    checked = subprocess.run(["bash", "-n", ROOT / script], capture_output=True, text=True, check=False)

    assert checked.stderr == ""
    assert os.access(ROOT / script, os.X_OK)
