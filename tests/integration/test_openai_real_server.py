"""The engine against a real server with OpenAI's interface that nobody here wrote: open-asr-server, and its limits."""

from __future__ import annotations

import pytest

from tests.engines import open_asr
from tests.engines.benches import Bench, FarSide
from voxtrald.errors import ApiBusy, ApiDenied, ApiRefused

pytestmark = [
    pytest.mark.skipif(not open_asr.is_there(), reason=open_asr.NEEDS),
    pytest.mark.xdist_group("open-asr-server"),
]


def bench_at(server, folder):
    """Make a bench for a running server."""
    settings = {"kind": "openai", "base_url": f"{server.url}/v1", "model": server.model}
    return Bench(name="real", far_side=FarSide(settings=settings, key=open_asr.KEY), hears_tones=False, folder=folder)


@pytest.fixture(scope="module")
def strict():
    """Run a server that takes a megabyte at most and knows one model."""
    with open_asr.running(MAX_UPLOAD_BYTES="1000000", ALLOWED_MODELS="faster-whisper:*") as server:
        yield server


@pytest.fixture
def bench(strict, tmp_path):
    """Give a bench for it; its engines are closed in the end."""
    made = bench_at(strict, tmp_path)
    yield made
    for engine in made.engines:
        engine.close()


def test_speech_is_understood_word_by_word(tmp_path):
    """A minute of real speech comes back with few words wrong, each with its time, and the language."""
    with open_asr.running() as server:
        bench = bench_at(server, tmp_path)
        engine = bench.engine(timestamps="word")
        answer = engine.deliver(bench.speech()).attempt()
        engine.close()

    assert bench.is_right(answer.text)
    assert answer.language == "en"
    assert len(answer.segments) == len(answer.text.split())


def test_too_large_a_chunk_is_refused_with_advice(bench):
    """413 names the setting that makes requests smaller."""
    with pytest.raises(ApiRefused, match=r"File too large; chunks\.max_minutes"):
        bench.engine().deliver(bench.speech()).attempt()


def test_a_model_that_is_not_allowed_is_no_matter_of_the_key(bench):
    """403 is about the model here, and the hint says so."""
    with pytest.raises(ApiDenied) as caught:
        bench.engine(model="openai/whisper-small").deliver(bench.silence()).attempt()

    assert caught.value.status == 403
    assert caught.value.hint == "engine.model is not offered there"


def test_a_failure_of_the_server_does_not_spoil_the_next_request(bench):
    """It answers 500 to what it cannot decode and hangs up; what follows at once is heard nevertheless."""
    engine = bench.engine()

    for _ in range(5):
        with pytest.raises(ApiBusy):
            engine.deliver(bench.rubbish()).attempt()

    assert engine.deliver(bench.silence()).attempt() is not None


def test_a_rate_limit_asks_for_patience(tmp_path):
    """429 without a Retry-After leaves the wait to us."""
    with open_asr.running(RATE_LIMIT_PER_MINUTE="2") as server:
        bench = bench_at(server, tmp_path)
        engine = bench.engine(server="open_asr_server")
        engine.deliver(bench.silence()).attempt()
        engine.deliver(bench.silence()).attempt()
        with pytest.raises(ApiBusy) as caught:
            engine.deliver(bench.silence()).attempt()
        engine.close()

    assert caught.value.status == 429
    assert caught.value.retry_after_s is None
