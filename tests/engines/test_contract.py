"""What every engine promises, tried on every engine: the same cases, with the same expectations."""

from __future__ import annotations

import pytest

from tests.engines.benches import DEAD_ADDRESS, KINDS, Bench, bench_for, fresh
from voxtrald.errors import ApiBusy, ApiDenied, ApiRefused, ApiUnreachable, StopRequested

REAL = "openai: real open-asr-server"

# Where a case makes no sense, and why. Everything else is tried; the table for people is made from this.
MAKES_NO_SENSE = {
    ("a_wrong_key_is_denied", "openai: whisper_cpp"): "it knows no keys",
    ("a_wrong_key_is_denied", "local"): "it has no key",
    ("an_unknown_model_is_denied", "openai: whisper_cpp"): "it has the one model it was started with",
    ("an_unknown_model_is_denied", "openai: stranger"): "this one takes any name",
    ("a_far_side_that_is_down_is_unreachable", "local"): "it has no far side",
}

# What cannot be decoded is the recording's fault. Where a server blames itself, it is tried again until attempts end.
BLAMES_ITSELF = {"openai: open_asr_server", REAL}


def on_every_engine(test):
    """Run a case on each engine it makes sense for; those with a real recogniser share one process of the suite."""
    case = test.__name__.removeprefix("test_")
    names = [name for name in KINDS if (case, name) not in MAKES_NO_SENSE]
    marks = {name: [pytest.mark.xdist_group(f"engine {name}")] for name in names}
    params = [pytest.param(name, marks=marks[name], id=name) for name in names]
    return pytest.mark.parametrize("bench", params, indirect=True)(test)


@pytest.fixture(scope="module")
def benches(tmp_path_factory):
    """Start each far side once, when it is first needed; stop them all in the end."""
    running, managers = {}, []

    def get(name):
        if name not in running:
            manager = bench_for(name, tmp_path_factory.mktemp("bench"))
            running[name] = manager.__enter__()
            managers.append(manager)
        return running[name]

    yield get
    for manager in managers:
        manager.__exit__(None, None, None)


@pytest.fixture
def bench(request, benches) -> Bench:
    """Give an engine's bench, or skip where what it needs is not installed."""
    missing = KINDS[request.param].missing()
    if missing:
        pytest.skip(missing)
    return fresh(benches(request.param))


@pytest.fixture(scope="module")
def _first():
    return {}


@pytest.fixture
def first(bench, _first):
    """Give each engine's answer to the speech, and what it says of itself since; recognisers are slow, so once."""
    if bench.name not in _first:
        engine = bench.engine()
        _first[bench.name] = attempt(engine, bench.speech()), engine.capabilities
    return _first[bench.name]


@pytest.fixture
def answer(first):
    """Give each engine's answer to the speech."""
    return first[0]


def attempt(engine, chunk):
    """Deliver a chunk in one attempt."""
    delivery = engine.deliver(chunk)
    try:
        return delivery.attempt()
    finally:
        delivery.close()


@on_every_engine
def test_the_text_is_right(bench, answer):
    """What was said comes back: word for word from those that hear exactly, nearly so from a recogniser."""
    assert bench.is_right(answer.text)


@on_every_engine
def test_segments_hold_the_same_text(bench, answer):  # noqa: ARG001
    """Where there are segments, they say what the text says."""
    in_segments = " ".join(segment.text.strip() for segment in answer.segments)

    assert not answer.segments or in_segments.split() == answer.text.split()


@on_every_engine
def test_times_lie_inside_and_in_order(bench, answer):
    """Times are milliseconds from the chunk's start, inside the chunk, and never go back."""
    times = [each for segment in answer.segments for each in (segment.start_ms, segment.end_ms)]

    assert times == sorted(times)
    assert all(0 <= each <= bench.speech().duration_ms for each in times)


@on_every_engine
def test_times_come_as_promised(bench, first):  # noqa: ARG001
    """Segments come exactly where the engine says that it can give them, once it knows who it talks to."""
    answer, capabilities = first

    assert bool(answer.segments) == ("segment" in capabilities.timestamps)
    assert answer.segments or capabilities.usual_chunk_ms <= 60_000


@on_every_engine
def test_silence_has_no_text(bench):
    """Five seconds without a sound give an answer with no or hardly any text."""
    answer = attempt(bench.engine(), bench.silence())

    assert len(answer.text.split()) <= (0 if bench.hears_tones else 3)


@on_every_engine
def test_what_is_no_audio_is_refused(bench):
    """Bytes that cannot be decoded are refused for good; a server that blames itself is tried again."""
    with pytest.raises(ApiBusy if bench.name in BLAMES_ITSELF else ApiRefused):
        attempt(bench.engine(), bench.rubbish())


@on_every_engine
def test_a_wrong_key_is_denied(bench):
    """A key the far side does not know holds all work, and is not in the message."""
    engine = bench.engine(key=bench.far_side.wrong_key)

    with pytest.raises(ApiDenied) as caught:
        attempt(engine, bench.speech())

    assert bench.far_side.wrong_key not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


@on_every_engine
def test_an_unknown_model_is_denied(bench):
    """A model that is not there is a matter of the configuration: no recording is blamed."""
    engine = bench.engine(model=bench.far_side.wrong_model)

    with pytest.raises(ApiDenied) as caught:
        attempt(engine, bench.speech())

    assert caught.value.hint


@on_every_engine
def test_a_far_side_that_is_down_is_unreachable(bench):
    """Where nobody listens, the error says so, and no attempt blames the recording."""
    with pytest.raises(ApiUnreachable):
        attempt(bench.engine(base_url=DEAD_ADDRESS), bench.speech())


@on_every_engine
def test_nothing_begins_after_stop(bench):
    """With stop set, an attempt ends before it begins."""
    engine = bench.engine()
    bench.stop.set()

    with pytest.raises(StopRequested):
        attempt(engine, bench.speech())


@on_every_engine
def test_language_and_vocabulary_are_taken_or_told(bench):
    """What a far side does not take is left out, the text is right nevertheless, and the answer tells it."""
    # A single word: told to expect more, Whisper's smallest model leaves out whole sentences.
    engine = bench.engine(language="en", context_bias=("playground",))

    answer = attempt(engine, bench.speech())

    assert bench.is_right(answer.text)
    assert ("context_bias" in answer.dropped) is not engine.capabilities.vocabulary
    assert "language" not in answer.dropped


@on_every_engine
def test_another_manner_is_another_request(bench):
    """A varied engine asks the same far side in its own manner; the first one's requests stay what they are."""
    engine = bench.engine()
    before = dict(engine.parameters)
    varied = engine.varied(bench.settings(language="en", context_bias=("playground",), timestamps="none"))

    assert (varied.kind, varied.service) == (engine.kind, engine.service)
    assert varied.parameters != before
    assert varied.parameters == bench.engine(language="en", context_bias=("playground",), timestamps="none").parameters
    assert engine.parameters == before


@on_every_engine
def test_closing_twice_does_no_harm(bench):
    """Deliveries and engines may be closed again, and a delivery that never began may be closed, too."""
    engine = bench.engine()
    delivery = engine.deliver(bench.speech())

    for thing in (delivery, delivery, engine, engine):
        thing.close()


@on_every_engine
def test_nothing_is_left_behind(bench):
    """After a delivery the far side holds no copy, and a sweep finds nothing."""
    engine = bench.engine()
    delivery = engine.deliver(bench.silence())
    delivery.attempt()

    delivery.close()

    assert all(copy.deleted for copy in delivery.remote_files)
    assert engine.sweep() == 0


@on_every_engine
def test_check_says_who_is_there(bench):
    """The check names the far side in one sentence."""
    assert bench.engine().check().strip()


@on_every_engine
def test_parameters_tell_what_was_asked(bench):
    """Whatever can change the text changes the parameters, and nothing that was learnt meanwhile does."""
    engine = bench.engine()
    before = dict(engine.parameters)

    attempt(engine, bench.silence())

    assert dict(engine.parameters) == before
    assert dict(bench.engine(language="en").parameters) != before
    assert dict(bench.engine(context_bias=("Alder",)).parameters) != before


def test_every_exception_names_a_case_and_an_engine():
    """No case or engine is excused that does not exist."""
    cases = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}

    assert {case for case, _ in MAKES_NO_SENSE} <= cases
    assert {name for _, name in MAKES_NO_SENSE} | BLAMES_ITSELF <= KINDS.keys()
