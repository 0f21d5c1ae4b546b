"""The voices of the first chunk go along with the others, and belong to the keys of their answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from tests.integration.audio_files import hear_file, texts
from tests.integration.prepared import CAPABILITIES, SOON_S, Nobody, workshop
from voxtrald.config import EngineSettings
from voxtrald.config.sections import ChunkSettings
from voxtrald.pipeline.acquaintance import Acquaintance
from voxtrald.pipeline.events import Planned, Prepared, Ready, Reused
from voxtrald.pipeline.room import Cancelled
from voxtrald.store.results import KeptAnswer
from voxtrald.transcript.model import Answer, AnswerSegment, Span

CHUNKS = ChunkSettings(max_minutes=0.2, first_minutes=0.12, search_s=1, overlap_s=0)
SPOKEN = (
    AnswerSegment(text="a", start_ms=100, end_ms=4_000, speaker="speaker_1"),
    AnswerSegment(text="b", start_ms=4_100, end_ms=5_000, speaker="speaker_2"),
)


@dataclass
class Somebody(Nobody):
    """An engine that takes clips, and keeps what it was given."""

    clips: dict = field(default_factory=dict)

    def with_voices(self, clips):
        """Give an engine with clips."""
        return Somebody(clips=dict(clips))

    def deliver(self, _):
        """Say who was asked."""
        return self


@pytest.fixture
def bench(tmp_path):
    """Give a preparation of a talk in several chunks, for an engine that knows voices."""
    with workshop(tmp_path) as start:
        yield meeting(start("talk.mp3", "-b:a", "96k", chunks=CHUNKS))


def meeting(bench):
    """Have a preparation look for voices."""
    before = bench.preparation
    settings = before.assignment.settings
    settings = replace(settings, engine=EngineSettings(diarize=True))
    capabilities = replace(CAPABILITIES, diarize=True, voice_clips=8)
    assignment = replace(before.assignment, engine=Somebody(), settings=settings, capabilities=capabilities)
    speakers = Acquaintance(assignment=assignment, results=before.tools.results, room=before.room)
    bench.preparation = replace(before, assignment=assignment, speakers=speakers)
    return bench


def keep(bench, key, *segments):
    """Keep an answer under a key."""
    answer = Answer(text="", segments=segments)
    span = key.span
    kept = KeptAnswer(answer=answer, offset_ms=span.start_ms, duration_ms=span.length_ms, how="encoded")
    bench.results.keep(key, kept)


def run(bench, *answers):
    """Answer the leading chunks, but for those with None, as they come; give what is asked for: keys and engines."""
    preparation = bench.preparation
    running = bench.pool.submit(preparation.run)
    running.add_done_callback(lambda _: bench.mailbox.put(Prepared()))
    keys, engines = [], []
    while not isinstance(event := bench.mailbox.get(timeout=SOON_S), Prepared):
        if isinstance(event, Reused):
            bench.reused.append(event.index)
        if isinstance(event, Ready):
            key = preparation.key_of(event.chunk.span)
            keys.append(key)
            engines.append(preparation.speakers.deliver(event.chunk, key))
            preparation.room.give()
            if event.index < len(answers) and answers[event.index] is not None:
                keep(bench, key, *answers[event.index])
        if isinstance(event, Ready | Reused):
            preparation.speakers.heed(event.index)
    running.result(SOON_S)
    return keys, engines


def clips_in(keys):
    """The names of the clips that each key names."""
    return [list(key.parameters.get("voices", ())) for key in keys]


def test_the_others_go_with_clips_of_the_first_chunks_voices(bench):
    """The first one goes without; the second one's newcomer joins for the third; the clips hold those words."""
    newcomer = (AnswerSegment(text="c", start_ms=1_000, end_ms=6_000, speaker="speaker_1"),)
    known = (AnswerSegment(text="d", start_ms=6_500, end_ms=9_000, speaker="known_0_speaker_1"),)
    keys, engines = run(bench, SPOKEN, newcomer + known)
    second = f"known_{keys[1].span.start_ms}_speaker_1"

    assert clips_in(keys) == [[], ["known_0_speaker_1"], *[["known_0_speaker_1", second]] * (len(keys) - 2)]
    assert keys[1].parameters["voices"] == {"known_0_speaker_1": [100 + 400, 4_000 - 150]}
    assert [bench.preparation.key_of(key.span) for key in keys] == keys
    assert engines[0] is bench.preparation.assignment.engine
    assert [list(engine.clips) for engine in engines[1:]] == clips_in(keys)[1:]
    assert all(texts(hear_file(clip)) for clip in engines[2].clips.values())


@pytest.mark.parametrize("answers", [(), ((), ()), (SPOKEN[1:], None), (None, None)])
def test_without_a_voice_the_others_go_as_ever(bench, answers):
    """Nobody heard, nobody long enough, or no answer at all: the keys are what they are without clips."""
    keys, engines = run(bench, *answers)

    assert not any(clips_in(keys))
    assert all(engine is bench.preparation.assignment.engine for engine in engines)


def test_nobody_is_met_twice(bench):
    """Where the second chunk was answered without the clips, whoever seems new in it may be known already."""
    keys, _ = run(bench, SPOKEN, SPOKEN)

    assert clips_in(keys) == [[], *[["known_0_speaker_1"]] * (len(keys) - 1)]


def test_another_start_comes_to_the_same_keys(bench):
    """With the first answers kept, the clips are the same; what is kept under such a key is not prepared again."""
    keys, _ = run(bench, SPOKEN, SPOKEN)
    again = meeting(replace(bench, reused=[]))

    later, _ = run(again)

    assert again.reused == [0, 1]
    assert later == keys[2:]


def test_what_was_paid_for_without_clips_counts(bench):
    """Answers from before the voices were known are not asked again for the sake of names."""
    keys, _ = run(bench, (), ())  # nobody heard: plain keys
    for key in keys[1:]:
        keep(bench, key)
    keep(bench, keys[0], *SPOKEN)
    again = meeting(replace(bench, reused=[]))

    assert run(again) == ([], [])
    assert again.reused == list(range(len(keys)))


def test_a_clip_that_cannot_be_made_costs_no_text(bench, monkeypatch):
    """The chunks go without it, under the same keys: the next start must find them."""
    nowhere = Span(start_ms=9_000_000, end_ms=9_004_000)
    monkeypatch.setattr("voxtrald.pipeline.acquaintance.choose_clips", lambda *_, **__: {"known_0_a": nowhere})

    keys, engines = run(bench, SPOKEN)

    assert all("voices" in key.parameters for key in keys[1:])
    assert all(engine is bench.preparation.assignment.engine for engine in engines)


def test_who_waits_for_the_first_answer_hears_that_nothing_more_is_wanted(bench):
    """A stop does not wait for an answer that never comes."""
    running = bench.pool.submit(bench.preparation.run)
    while not isinstance(bench.mailbox.get(timeout=SOON_S), Planned):
        pass  # the plan is told before anything waits for the first chunk
    bench.preparation.room.cancel()

    with pytest.raises(Cancelled):
        running.result(SOON_S)
