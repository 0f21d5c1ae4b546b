"""Whole files on a real file system: replaced or added, moved, and refused in plain words."""

from __future__ import annotations

import errno
import os

import pytest

from tests.storing import read_tree
from voxtrald.errors import RecordingChanged, StorageUnavailable
from voxtrald.store.durable import (
    add_whole,
    make_folder,
    move_whole,
    open_source,
    remove_leftovers,
    room_for,
    write_whole,
)


def test_writing_replaces_and_adding_does_not(tmp_path):
    """Only the one that says so takes a name over; neither leaves a temporary file."""
    write_whole(tmp_path / "a", b"one")
    write_whole(tmp_path / "a", b"two")
    add_whole(tmp_path / "b", b"three")
    with pytest.raises(FileExistsError):
        add_whole(tmp_path / "b", b"four")

    assert read_tree(tmp_path) == {"a": b"two", "b": b"three"}


def test_a_private_file_is_never_open_to_others(tmp_path):
    """The mode holds from the first moment, whatever the umask allows."""
    write_whole(tmp_path / "a", b"secret", mode=0o600)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_is_a_storage_trouble(tmp_path):
    """The message names the file and the hint says what to do."""
    with pytest.raises(StorageUnavailable) as caught:
        write_whole(tmp_path / "gone" / "a", b"x")

    assert caught.value.path == tmp_path / "gone" / "a"
    assert caught.value.message.endswith("it is not there")
    assert caught.value.hint


def test_a_move_never_takes_a_name_over(tmp_path):
    """Both files stay as they are where the target is taken."""
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")

    with pytest.raises(FileExistsError):
        move_whole(tmp_path / "a", tmp_path / "b")

    assert read_tree(tmp_path) == {"a": b"one", "b": b"two"}


def test_a_move_without_hard_links_never_takes_a_name_over(tmp_path, monkeypatch):
    """Where the file system has no links, a taken name is still refused and a free one still given."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")

    with pytest.raises(FileExistsError):
        move_whole(tmp_path / "a", tmp_path / "b")
    move_whole(tmp_path / "a", tmp_path / "c")

    assert read_tree(tmp_path) == {"b": b"two", "c": b"one"}


def test_a_move_tells_a_gone_source_from_a_gone_target(tmp_path):
    """A missing recording is its own affair, a missing folder is the storage's."""
    (tmp_path / "a").write_bytes(b"one")

    with pytest.raises(RecordingChanged):
        move_whole(tmp_path / "missing", tmp_path / "b")
    with pytest.raises(StorageUnavailable):
        move_whole(tmp_path / "a", tmp_path / "gone" / "b")

    assert read_tree(tmp_path) == {"a": b"one"}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "nothing"])
def test_only_a_regular_file_is_opened(tmp_path, kind):
    """What took the recording's place is not read, and a pipe does not make anybody wait."""
    path, secret = tmp_path / "talk.m4a", tmp_path / "secret"
    secret.write_bytes(b"secret")
    make = {"link": lambda: path.symlink_to(secret), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}
    make.get(kind, lambda: None)()

    with pytest.raises(RecordingChanged):
        open_source(path)


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path):
    """A folder that cannot be made because of a file says so."""
    (tmp_path / "a").write_bytes(b"")

    with pytest.raises(StorageUnavailable, match="a file has the name of the folder"):
        make_folder(tmp_path / "a" / "b")


def test_room_is_checked_where_the_file_will_be(tmp_path):
    """A little fits, more than any disk has does not; the file need not exist."""
    room_for(tmp_path / "new", 1)

    with pytest.raises(StorageUnavailable, match="no space is left"):
        room_for(tmp_path / "new", 1 << 60)


def test_only_leftovers_of_the_same_marker_are_removed(tmp_path):
    """Temporary files of others may still be in use."""
    for name in (".voxtrald-mine-1.tmp", ".voxtrald-other-1.tmp", "talk.tmp"):
        (tmp_path / name).write_bytes(b"")

    remove_leftovers(tmp_path, marker="mine")

    assert set(read_tree(tmp_path)) == {".voxtrald-other-1.tmp", "talk.tmp"}
