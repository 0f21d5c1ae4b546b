"""Fuzzes the pure readers, guided by coverage: `python -m tests.fuzz.guided --minutes 10`.

New inputs that reach new code are kept in a folder of their own, and in the end the smallest set of all that reaches as
much replaces the corpus. An input that breaks a promise is written to the current folder, as `crash-...`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

CORPUS = Path(__file__).with_name("corpus")
LONGEST_BYTES = 4_096
MEMORY_MB = 2_048


def fuzz(minutes: float) -> int:
    """Fuzz for so long in a process of its own, then keep the smallest corpus; give its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        found, kept = Path(folder, "found"), Path(folder, "kept")
        for each in (found, kept):
            each.mkdir()
        limits = [f"-max_len={LONGEST_BYTES}", f"-rss_limit_mb={MEMORY_MB}", "-timeout=10"]
        code = _run(f"-max_total_time={round(minutes * 60)}", "-print_final_stats=1", *limits, found, CORPUS)
        if code == 0:
            code = _run("-merge=1", *limits, kept, found, CORPUS)
        if code == 0 and any(kept.iterdir()):
            _replace(kept)
    return code


def _run(*arguments: str | Path) -> int:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", "--inner", *map(str, arguments)], check=False
    ).returncode


def _replace(kept: Path) -> None:
    for old in CORPUS.iterdir():
        old.unlink()
    for new in kept.iterdir():
        (CORPUS / new.name[:16]).write_bytes(new.read_bytes())


def _inner(arguments: list[str]) -> None:
    with atheris.instrument_imports(include=["voxtrald.audio", "voxtrald.transcript"]):
        from tests.fuzz.targets import run_one  # noqa: PLC0415 - what is imported here is watched

    # By this line libFuzzer starts itself anew when it merges.
    atheris.Setup([f"{sys.executable} -m tests.fuzz.guided --inner", *arguments], run_one)
    atheris.Fuzz()


def main() -> int:
    """Fuzz for as long as was asked."""
    if sys.argv[1:2] == ["--inner"]:
        _inner(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    return fuzz(parser.parse_args().minutes)


if __name__ == "__main__":
    sys.exit(main())
