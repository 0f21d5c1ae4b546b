"""Who may delete a remote copy, and when."""

import threading

import pytest

from voxtrald.engines.sharing import CopiesInUse, fingerprint
from voxtrald.errors import StopRequested, StorageUnavailable
from voxtrald.stopping import Stop


@pytest.fixture
def stop():
    """A stop that nobody has asked for."""
    return Stop()


@pytest.fixture
def copies(stop):
    """An empty register."""
    return CopiesInUse(stop=stop)


def test_the_last_user_deletes(copies):
    """A copy with two users is given out for deletion when the second gives it back."""
    for _ in range(2):
        with copies.uploading("bytes"):
            copies.use("id", content="bytes")

    assert copies.give_back(["id"]) == ()
    with copies.clearing("id", name="") as is_leftover:
        assert not is_leftover
    assert copies.give_back(["id"]) == ("id",)
    copies.deleted("id")
    with copies.clearing("id", name="") as is_leftover:
        assert is_leftover


def test_other_bytes_do_not_delay_a_deletion(copies):
    """An upload of something else is no reason to keep a copy."""
    with copies.uploading("bytes"):
        copies.use("id", content="bytes")

    with copies.uploading("others"):
        assert copies.give_back(["id"]) == ("id",)


def test_a_copy_waits_while_its_bytes_are_uploaded(copies):
    """A copy that became unwanted during an upload of its bytes is deleted by the next who gives back."""
    with copies.uploading("bytes"):
        copies.use("one", content="bytes")
    with copies.uploading("bytes"):
        assert copies.give_back(["one"]) == ()
        copies.use("two", content="bytes")

    assert set(copies.give_back(["two"])) == {"one", "two"}


def test_a_copy_that_is_wanted_again_stays(copies):
    """An upload that gets an unwanted copy's id saves it."""
    with copies.uploading("bytes"):
        copies.use("id", content="bytes")
    with copies.uploading("bytes"):
        copies.give_back(["id"])
        copies.use("id", content="bytes")

    assert copies.give_back([]) == ()
    assert copies.give_back(["id"]) == ("id",)


def test_an_upload_waits_for_a_deletion_of_its_bytes(copies):
    """While a copy is being deleted nobody uploads the same bytes and gets the dying id."""
    with copies.uploading("bytes"):
        copies.use("id", content="bytes")
    copies.give_back(["id"])
    entered = threading.Event()

    def upload():
        with copies.uploading("bytes"):
            entered.set()

    uploader = threading.Thread(target=upload)
    uploader.start()

    assert not entered.wait(0.1)
    copies.deleted("id")
    assert entered.wait(5)
    uploader.join()


def test_waiting_for_a_deletion_hears_stop(copies, stop):
    """An upload that waits gives up when stop is asked for."""
    with copies.uploading("bytes"):
        copies.use("id", content="bytes")
    copies.give_back(["id"])
    stop.set()

    with pytest.raises(StopRequested), copies.uploading("bytes"):
        pytest.fail("the upload began")


def test_a_copy_in_use_is_no_leftover(copies):
    """What a delivery uses is not cleared, though it bears our name; what nobody uses is."""
    with copies.uploading("bytes", name="chunk.mp3"):
        copies.use("id", content="bytes")

    with copies.clearing("id", name="chunk.mp3") as is_leftover:
        assert not is_leftover
    with copies.clearing("older id", name="chunk.mp3") as is_leftover:
        assert is_leftover


def test_clearing_waits_for_an_upload_under_the_name(copies):
    """A copy on the list whose upload is not answered yet is told from a leftover when the answer is there."""
    begun, answer, cleared = threading.Event(), threading.Event(), []

    def upload():
        with copies.uploading("bytes", name="chunk.mp3"):
            begun.set()
            answer.wait(5)
            copies.use("id", content="bytes")

    def clear():
        with copies.clearing("id", name="chunk.mp3") as is_leftover:
            cleared.append(is_leftover)

    threads = [threading.Thread(target=upload), threading.Thread(target=clear)]
    threads[0].start()
    begun.wait(5)
    threads[1].start()
    threads[1].join(0.1)

    assert cleared == []
    answer.set()
    for thread in threads:
        thread.join(5)
    assert cleared == [False]


def test_clearing_hears_stop_while_it_waits(copies, stop):
    """When stop is asked for nothing more is cleared."""
    stop.set()

    with copies.uploading("bytes", name="chunk.mp3"), copies.clearing("id", name="chunk.mp3") as is_leftover:
        assert not is_leftover


def test_an_upload_waits_while_its_name_is_cleared(copies, stop):
    """Nobody uploads under the name of a leftover that is being deleted, and gets its dying id."""
    with copies.clearing("id", name="chunk.mp3") as is_leftover:
        assert is_leftover
        stop.set()
        with pytest.raises(StopRequested), copies.uploading("bytes", name="chunk.mp3"):
            pytest.fail("the upload began")


def test_nothing_is_remembered_of_what_is_gone(copies):
    """A daemon that runs for months collects neither ids nor names."""
    for number in range(50):
        with copies.uploading(f"bytes {number}", name=f"{number}.mp3"):
            copies.use(f"id {number}", content=f"bytes {number}")
        for remote_id in copies.give_back([f"id {number}"]):
            copies.deleted(remote_id)
        with copies.clearing(f"id {number}", name=f"{number}.mp3"):
            pass

    registers = ("users", "contents", "unwanted", "uploading", "deleting", "naming", "clearing")
    assert {name: len(getattr(copies, f"_{name}")) for name in registers} == dict.fromkeys(registers, 0)


def test_a_fingerprint_tells_files_apart(tmp_path):
    """Equal bytes have equal fingerprints; another length, beginning or end has another."""
    base = b"a" + bytes(200_000) + b"z"
    contents = [base, base, b"b" + base[1:], base[:-1] + b"y", base + b"z"]
    prints = []
    for number, content in enumerate(contents):
        path = tmp_path / str(number)
        path.write_bytes(content)
        prints.append(fingerprint(path, size_bytes=len(content)))

    assert prints[0] == prints[1]
    assert len(set(prints)) == 4


def test_a_missing_file_is_a_matter_of_storage(tmp_path):
    """A chunk that vanished is told with its path."""
    with pytest.raises(StorageUnavailable) as caught:
        fingerprint(tmp_path / "gone", size_bytes=1)

    assert caught.value.path == tmp_path / "gone"
