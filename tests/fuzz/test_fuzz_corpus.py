"""What the fuzzers found stays found: each kept input once, and a few damaged files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.mutating import Run, mutate, seeds
from tests.fuzz.targets import TARGETS, run_one
from tests.integration.audio_files import children

CORPUS = sorted(Path(__file__).with_name("corpus").iterdir())
MOST_BYTES = 300_000
FEW = 20


def test_every_kept_input_is_read_as_promised():
    """No input of the corpus breaks what is asserted of its reader."""
    for path in CORPUS:
        run_one(path.read_bytes())

    reached = {path.read_bytes()[0] % len(TARGETS) for path in CORPUS}
    assert reached == set(range(len(TARGETS)))


def test_the_corpus_stays_small():
    """The kept inputs take less than 300 kB in the tree."""
    assert sum(path.stat().st_size for path in CORPUS) < MOST_BYTES


@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes_are_read_as_promised(target):
    """Bytes that nobody chose break no promise either."""

    @given(st.binary(min_size=1, max_size=600))
    def check(data):
        TARGETS[target](data)

    check()


@pytest.mark.xdist_group("hostile")
def test_a_few_damaged_files_end_as_recordings_do(tmp_path):
    """Real files with damage give a chunk or an error of the recording's own, and leave no process behind."""
    chance, run, made = random.Random(5), Run(folder=tmp_path), seeds(tmp_path)
    for ending in chance.sample(list(made), FEW):
        run.try_one(mutate(made[ending], other=made["m4a"], chance=chance), ending=ending)

    assert run.ends.total() == FEW
    assert run.ends["chunk"] > 0
    assert children() == []
