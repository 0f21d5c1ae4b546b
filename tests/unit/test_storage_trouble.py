"""What a refusal of the file system is called."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from voxtrald.errors import StorageUnavailable
from voxtrald.storage import storage_errors, storage_trouble

PLACE = Path("/srv/inbox")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "the right is missing"),
        (errno.ESTALE, "the share is gone"),
        (errno.EHOSTDOWN, "the share is gone"),
        (errno.ETIMEDOUT, "the share does not answer"),
    ],
)
def test_a_known_refusal_is_said_in_plain_words_with_what_to_do(code, expected):
    """The usual errors have a sentence and a hint of their own."""
    trouble = storage_trouble(OSError(code, os.strerror(code)), path=PLACE)

    assert trouble.message == f"cannot use /srv/inbox: {expected}"
    assert trouble.hint


@pytest.mark.parametrize(
    ("error", "expected"),
    [(OSError(errno.EBADMSG, "Bad message"), "Bad message"), (OSError(), "it is refused")],
)
def test_an_unknown_refusal_is_said_in_the_systems_words(error, expected):
    """What we have no words for is told as the system tells it, where it does."""
    assert storage_trouble(error, path=PLACE).message == f"cannot use /srv/inbox: {expected}"


def test_a_refusal_is_translated_and_keeps_its_cause():
    """Inside the block an OSError becomes ours."""
    cause = PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(StorageUnavailable) as caught, storage_errors(PLACE):
        raise cause

    assert caught.value.__cause__ is cause


def test_a_taken_name_passes():
    """That a name is taken is no trouble with the storage: the caller chooses another one."""
    with pytest.raises(FileExistsError), storage_errors(PLACE):
        raise FileExistsError
