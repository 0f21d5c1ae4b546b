"""The local engine's judgement: what is said to the recogniser, what it runs with, what its faults mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config.loading import load_settings
from voxtrald.engines.whisper.choosing import child_environment, choose_devices, choose_pace
from voxtrald.engines.whisper.faults import error_during, error_for
from voxtrald.engines.whisper.phrasing import make_phrases, strip_words
from voxtrald.engines.whisper.protocol import (
    Answered,
    Failed,
    Fault,
    Loaded,
    Opening,
    Progress,
    Request,
    Unintelligible,
    Unusable,
    pack,
    pack_path,
    read_order,
    read_report,
    unpack_path,
)
from voxtrald.errors import ApiBusy, ApiDenied, ApiGarbled, ApiRefused

ANY_TEXT = st.text(st.characters(), max_size=20)  # broken code points, too: a recogniser's text is foreign
NUMBERS = st.integers(0, 10**9)
REPORTS = st.one_of(
    st.builds(
        Loaded,
        library=st.text(),
        device=st.text(),
        compute_type=st.text(),
        languages=st.lists(st.text()).map(tuple),
    ),
    st.builds(Unusable, fault=st.sampled_from(Fault), message=st.text()),
    st.builds(Progress, id=NUMBERS, at_ms=NUMBERS),
    st.builds(
        Answered,
        id=NUMBERS,
        text=st.text(),
        language=st.none() | st.text(),
        segments=st.lists(st.tuples(NUMBERS, NUMBERS, st.text())).map(tuple),
    ),
    st.builds(Failed, id=NUMBERS, fault=st.sampled_from(Fault), message=st.text()),
)
ORDERS = st.one_of(
    st.builds(
        Opening,
        model=st.text(),
        is_folder=st.booleans(),
        may_fetch=st.booleans(),
        workers=NUMBERS,
        threads=NUMBERS,
    ),
    st.builds(
        Request,
        id=NUMBERS,
        path=st.text(),
        language=st.none() | st.text(),
        timestamps=st.sampled_from(["segment", "word", "none"]),
        vocabulary=st.lists(st.text()).map(tuple),
    ),
)


# --- what is said -------------------------------------------------------------------------------------------


@given(report=REPORTS)
def test_a_report_is_one_line_and_comes_across(report):
    """Whatever the recogniser reports is one line, and read as the same value."""
    line = pack(report)

    assert line.count(b"\n") == 1
    assert read_report(line) == report


@given(order=ORDERS)
def test_an_order_is_one_line_and_comes_across(order):
    """Whatever the daemon orders is one line, and read as the same value."""
    line = pack(order)

    assert line.count(b"\n") == 1
    assert read_order(line) == order


@given(name=st.binary(min_size=1))
def test_any_path_comes_across(name):
    """A path whose name is no UTF-8 reaches the recogniser byte for byte."""
    order = Request(id=1, path=pack_path(name))

    assert unpack_path(read_order(pack(order)).path) == name


@given(line=st.binary())
def test_rubbish_is_told_from_a_report(line):
    """Any bytes are a report or raise Unintelligible, and nothing else."""
    try:
        report = read_report(line)
    except Unintelligible:
        report = None

    assert report is None or read_report(pack(report)) == report


@pytest.mark.parametrize(
    "line",
    [
        b"Downloading model...",
        b"{}",
        b"[]",
        b"null",
        b'{"says": "answered"}',
        b'{"says": "answered", "id": 1, "text": 7}',
        b'{"says": "answered", "id": 1, "text": "", "segments": [[1, "end", ""]]}',
        b'{"says": "sung", "id": 1}',
        b'{"says": "opening", "model": "x"}',
    ],
)
def test_a_report_is_checked(line):
    """A line of another shape, or with a value of another type, is not taken for a report."""
    with pytest.raises(Unintelligible):
        read_report(line)


# --- what it runs with ----------------------------------------------------------------------------------------


@given(cores=st.integers(1, 256))
def test_all_cores_are_used_and_none_twice(cores):
    """Workers times threads is at most the number of cores, and leaves fewer than one per worker idle."""
    pace = choose_pace(cores=cores)

    assert pace.workers >= 1
    assert cores - pace.workers < pace.workers * pace.threads <= cores


@pytest.mark.parametrize(("cores", "workers", "threads"), [(1, 1, 1), (2, 1, 2), (4, 1, 4), (8, 2, 4), (12, 3, 4)])
def test_a_second_file_is_worth_four_cores(cores, workers, threads):
    """One file at a time below eight cores; the threads are shared out evenly."""
    pace = choose_pace(cores=cores)

    assert (pace.workers, pace.threads) == (workers, threads)


@pytest.mark.parametrize(
    ("cuda", "cpu", "expected"),
    [
        ((), ("float32", "int8"), [("cpu", "int8")]),
        ((), ("float32",), [("cpu", "default")]),
        (("float16", "int8_float16", "float32"), ("int8",), [("cuda", "float16"), ("cpu", "int8")]),
        (("int8_float16", "float32"), ("int8",), [("cuda", "int8_float16"), ("cpu", "int8")]),
        (("float32",), ("int8",), [("cuda", "default"), ("cpu", "int8")]),
    ],
)
def test_the_best_device_comes_first(cuda, cpu, expected):
    """A card that can be used comes before the processor, each with the best numbers it can compute with."""
    devices = choose_devices(cuda=cuda, cpu=cpu)

    assert [(device.name, device.compute_type) for device in devices] == expected


def test_the_recogniser_learns_no_secret():
    """Keys, credentials, the service manager's socket and our own settings stay with the daemon."""
    environ = {
        "PATH": "/bin",
        "HOME": "/home/x",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "0",
        "HF_HOME": "/models",
        "https_proxy": "http://proxy:3128",
        "HF_TOKEN": "secret",
        "MISTRAL_API_KEY": "secret",
        "OPENAI_API_KEY": "secret",
        "PYTHON_KEYRING_PASSWORD": "secret",
        "CREDENTIALS_DIRECTORY": "/run/credentials",
        "NOTIFY_SOCKET": "/run/notify",
        "VOXTRALD_ENGINE__KIND": "local",
        "DATABASE_URL": "postgres://user:secret@host",
    }

    child = child_environment(environ, is_folder=False, threads=2)

    kept = {"PATH", "HOME", "LC_ALL", "CUDA_VISIBLE_DEVICES", "HF_HOME", "https_proxy"}
    assert environ.keys() & child.keys() == kept
    assert "secret" not in child.values()


@pytest.mark.parametrize("is_folder", [True, False])
def test_no_library_calls_home(is_folder):
    """Telemetry is off even where the daemon's environment turns it on; with a folder, so is every download."""
    environ = {"ORT_DISABLE_TELEMETRY": "0", "HF_HUB_DISABLE_TELEMETRY": "0"}

    child = child_environment(environ, is_folder=is_folder, threads=2)

    assert child["ORT_DISABLE_TELEMETRY"] == child["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert ("HF_HUB_OFFLINE" in child) is is_folder
    assert child["OMP_NUM_THREADS"] == "2"


# --- what a fault means -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in {Fault.UNDECODABLE, Fault.FAILED}])
def test_what_no_recording_gets_past_holds_them_all(fault):
    """Without a usable model, recordings are held, with a hint at what to do."""
    error = error_for(fault, "so it is")

    assert isinstance(error, ApiDenied)
    assert error.message == "so it is"
    assert error.hint


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.UNDECODABLE, ApiRefused),
        (Fault.FAILED, ApiGarbled),
        (Fault.NO_MEMORY, ApiBusy),
        (Fault.LANGUAGE, ApiDenied),
    ],
)
def test_a_fault_with_one_file_is_that_files(fault, kind):
    """What cannot be decoded is refused, lack of memory is waited out, and a wrong setting holds."""
    error = error_during(fault, "so it is")

    assert isinstance(error, kind)


# --- phrases ----------------------------------------------------------------------------------------------------

WORDS = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(0, 900), st.sampled_from([" yes", " no.", " 3", ".5", "。", " Ach!"])),
    max_size=30,
)


def in_time(steps):
    """Lay words out one after the other."""
    at_ms, words = 0, []
    for gap_ms, length_ms, text in steps:
        words.append((at_ms + gap_ms, at_ms + gap_ms + length_ms, text))
        at_ms += gap_ms + length_ms
    return words


@given(steps=WORDS)
def test_phrases_lose_no_word(steps):
    """Joined together, the phrases hold every word in order, within the time of the words."""
    words = in_time(steps)

    phrases = make_phrases(words)

    assert "".join("".join(text.split()) for *_, text in phrases) == "".join(text.strip() for *_, text in words)
    assert [start_ms for start_ms, _, _ in phrases] == sorted(start_ms for start_ms, _, _ in phrases)
    assert {start_ms for start_ms, _, _ in phrases} <= {start_ms for start_ms, _, _ in words}
    assert {end_ms for _, end_ms, _ in phrases} <= {end_ms for _, end_ms, _ in words}


def test_a_phrase_ends_with_a_sentence_or_a_pause():
    """A sentence's end and a pause of a second part phrases; a point inside a number does not."""
    words = [
        (0, 400, " It"),
        (400, 700, " costs"),
        (700, 900, " 3."),
        (900, 1100, "50"),
        (1100, 1500, " now."),
        (1600, 2000, " And"),
        (3000, 3500, " later?"),
    ]

    assert make_phrases(words) == ((0, 1500, "It costs 3.50 now."), (1600, 2000, "And"), (3000, 3500, "later?"))


def test_words_come_without_their_blanks():
    """A word is given without the blank before it, its time unchanged."""
    assert strip_words([(0, 400, " It"), (400, 500, "'s")]) == ((0, 400, "It"), (400, 500, "'s"))


# --- where a model is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("models/tiny", "{base}/models/tiny"),
        ("./tiny", "{base}/tiny"),
        ("here", "{base}/here"),
        ("/srv/models/tiny", "/srv/models/tiny"),
        ("~/tiny", "{home}/tiny"),
        ("small", "small"),
    ],
)
def test_a_models_folder_is_found_from_the_configuration(tmp_path, written, expected):
    """A value with a separator, or the name of a folder beside the file, is a folder; any other is a name."""
    (tmp_path / "here").mkdir()
    config = tmp_path / "config.yaml"
    config.write_text(f"engine: {{kind: local, model: {written}}}\n", "utf-8")
    home = tmp_path / "home"

    settings = load_settings(config, environ={"HOME": str(home)})

    assert settings.engine.model == expected.format(base=tmp_path, home=home)


def test_a_models_name_at_a_service_is_left_alone(tmp_path):
    """Only kind local has models in folders: elsewhere a separator belongs to the name."""
    config = tmp_path / "config.yaml"
    config.write_text("engine: {kind: openai, base_url: 'http://host', model: mistralai/Voxtral}\n", "utf-8")

    settings = load_settings(config, environ={})

    assert settings.engine.model == "mistralai/Voxtral"
    assert Path(os.sep) not in Path(settings.engine.model).parents
