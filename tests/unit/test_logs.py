"""What the log looks like, and what never gets into it."""

from __future__ import annotations

import io
import json
import logging
import re
import string
import threading
import warnings
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from voxtrald import logs


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self):
        """Say yes."""
        return True


@pytest.fixture(autouse=True)
def pristine():
    """Leave the process's logging as it was."""
    handlers = list(logging.getLogger().handlers)
    hidden = logs._hidden
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.getLogger().handlers[:] = handlers
    logs._hidden = hidden


def written(stream):
    """Parse a log of JSON lines."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def json_log():
    """Configure a log of JSON lines at level info and give its stream."""
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)
    return stream


def test_an_event_is_one_line_of_json(json_log):
    """An event has its name, its fields, a level and a time in UTC."""
    structlog.get_logger().info("chunk_sent", chunk=3, path=Path("/a b"), nothing=None)

    [event] = written(json_log)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", event.pop("timestamp"))
    assert event == {"event": "chunk_sent", "level": "info", "chunk": 3, "path": "/a b", "nothing": None}


def test_less_important_events_are_left_out(json_log):
    """Events below the level are not written."""
    structlog.get_logger().debug("looked")

    assert json_log.getvalue() == ""


def test_a_reload_reaches_loggers_in_use(json_log):
    """A new level holds for loggers that a module made before."""
    logger = structlog.get_logger()
    logger.info("first")
    logs.configure("debug", "json", stream=json_log)

    logger.debug("second")

    assert [event["event"] for event in written(json_log)] == ["first", "second"]


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", io.StringIO, True),
        ("auto", Terminal, False),
        ("json", Terminal, True),
        ("console", io.StringIO, False),
    ],
)
def test_the_form_follows_the_stream(form, stream, is_json):
    """The form `auto` writes for eyes on a terminal and for programs elsewhere."""
    target = stream()
    logs.configure("info", form, stream=target)

    structlog.get_logger().info("chunk_sent")

    assert target.getvalue().startswith("{") is is_json


def test_colours_are_for_terminals(monkeypatch):
    """Colours appear on a terminal, not in a file, and not where NO_COLOR is set."""
    shown = []
    for stream, no_color in [(Terminal(), ""), (io.StringIO(), ""), (Terminal(), "1")]:
        monkeypatch.setenv("NO_COLOR", no_color)
        logs.configure("info", "console", stream=stream)
        structlog.get_logger().info("chunk_sent")
        shown.append("\x1b[" in stream.getvalue())

    assert shown == [True, False, False]


def test_the_job_stands_in_every_event_of_its_thread(json_log):
    """Within bound_job all events of the thread carry the job, those of other threads do not."""
    logger = structlog.get_logger()
    other = threading.Thread(target=lambda: logger.info("elsewhere"))

    with logs.bound_job(job="j1", recording="a.mp3"):
        logger.info("inside")
        other.start()
        other.join()
    logger.info("outside")

    jobs = {event["event"]: event.get("job") for event in written(json_log)}
    assert jobs == {"inside": "j1", "elsewhere": None, "outside": None}


def test_secrets_do_not_get_through(json_log):
    """Keys, authorization values, known secrets and the parameters of addresses are taken out."""
    logs.hide("s3cret-key")
    error = ConnectionError("GET https://files.example/a.mp3?sig=abc&se=1 failed for https://me:pw@host/")

    structlog.get_logger().info(
        "request_failed",
        api_key="abc",
        headers={"Authorization": "Bearer abcdefgh", "X-Note": ["with s3cret-key inside"]},
        header="authorization: Bearer abcdefghijk",
        error=error,
    )

    line = json_log.getvalue()
    for secret in ("s3cret-key", "sig=abc", "se=1", "me:pw", "abcdefgh"):
        assert secret not in line
    [event] = written(json_log)
    assert event["api_key"] == "<redacted>"
    assert event["error"] == "GET https://files.example/a.mp3?<redacted> failed for https://<redacted>@host/"


def test_secrets_do_not_get_through_in_tracebacks(json_log):
    """A traceback is redacted like everything else."""
    logs.hide("s3cret-key")
    try:
        int("s3cret-key")
    except ValueError:
        structlog.get_logger().exception("job_failed")

    [event] = written(json_log)
    assert "invalid literal for int() with base 10: '<redacted>'" in event["exception"]


@given(before=st.text(), secret=st.text(string.ascii_letters + string.digits, min_size=4), after=st.text())
def test_a_known_secret_never_survives(before, secret, after):
    """Whatever stands around a known secret, it is gone."""
    logs.hide(secret)

    assert secret not in logs.redact(before + secret + after)


def test_short_texts_are_not_taken_for_secrets():
    """An empty or tiny secret does not punch holes into all lines."""
    logs.hide("")
    logs.hide("a")

    assert logs.redact("a talk") == "a talk"


def test_a_name_cannot_forge_a_line():
    """Control signs in a recording's name are shown escaped on the console."""
    stream = io.StringIO()
    logs.configure("info", "console", stream=stream)

    structlog.get_logger().info("recording_settled", recording="a\n2026[error]forged\x1b[2J.mp3")

    assert stream.getvalue().count("\n") == 1
    assert "\\n2026[error]forged\\x1b[2J.mp3" in stream.getvalue()


def test_libraries_are_heard_at_warning(json_log):
    """Warnings of libraries pass the same net, their chatter does not."""
    library = logging.getLogger("urllib3.connectionpool")
    library.info("Starting new connection")
    library.warning("Retrying after %s: /files?sig=abc", "reset")

    events = [(event["event"], event["library"], event["message"]) for event in written(json_log)]
    assert events == [
        ("library_said", "urllib3.connectionpool", "Retrying after reset: /files?<redacted>"),
    ]


def test_a_librarys_slip_does_not_reach_its_caller(json_log):
    """A message whose arguments do not fit it is written as it stands."""
    record = logging.LogRecord("lib", logging.WARNING, __file__, 1, "one %s too many", ("a", "b"), None)

    logs._LibraryHandler().emit(record)

    assert [event["message"] for event in written(json_log)] == ["one %s too many"]


def test_configuring_twice_does_not_say_things_twice(json_log):
    """A second call replaces the first one's handler."""
    logs.configure("info", "json", stream=json_log)

    logging.getLogger("urllib3").warning("once")

    assert len(written(json_log)) == 1


def test_warnings_of_python_become_events(json_log):
    """A warning does not break the lines of JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logs.configure("info", "json", stream=json_log)
        warnings.warn("old ways", stacklevel=1)
        logging.captureWarnings(capture=False)

    [event] = written(json_log)
    assert event["library"] == "py.warnings"
    assert "old ways" in event["message"]


def test_a_log_that_cannot_be_written_does_no_harm():
    """A closed stream does not stop whoever logs."""
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)
    stream.close()

    structlog.get_logger().info("chunk_sent")

    assert stream.closed


def test_threads_do_not_mix_their_lines(json_log):
    """Lines of many threads stay whole."""
    logger = structlog.get_logger()

    def write_many(name):
        for number in range(50):
            logger.info("chunk_sent", name=name, number=number)

    threads = [threading.Thread(target=write_many, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(written(json_log)) == 200
