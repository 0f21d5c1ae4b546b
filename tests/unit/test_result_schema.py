"""The JSON result and its published schema."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from voxtrald.transcript.coverage import Coverage
from voxtrald.transcript.document import (
    ChunkFacts,
    Document,
    EngineFacts,
    Inspection,
    Judged,
    Repair,
    SourceFacts,
    Usage,
)
from voxtrald.transcript.inspecting import Finding, Kind, Severity
from voxtrald.transcript.model import Damage, RemoteFile, Segment, Span, SpeakerJoin, Transcript
from voxtrald.transcript.rendering import render

SCHEMA = json.loads(files("voxtrald.transcript").joinpath("result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

FULL = Document(
    version="1.2.3",
    source=SourceFacts(
        name="zīle.m4a",
        sha256="ab" * 32,
        size_bytes=5,
        duration_ms=20_500,
        container="mov",
        codec="aac",
        damage=(Damage(span=Span(start_ms=0, end_ms=2_500), what="no sound can be read here"),),
    ),
    engine=EngineFacts(
        kind="mistral",
        model="voxtral",
        parameters={"language": "lv", "diarize": True},
        downgrades=("language",),
    ),
    transcript=Transcript(
        text="Zīle.",
        language="lv",
        segments=(Segment(start_ms=1, end_ms=1_234, text="Zīle.", speaker="speaker_1"),),
        duration_ms=20_500,
        missing=(Span(start_ms=10_000, end_ms=20_500),),
        joins=(SpeakerJoin(at_ms=9_000), SpeakerJoin(at_ms=18_000, unsure=("speaker_1",))),
    ),
    chunks=(
        ChunkFacts(
            span=Span(start_ms=0, end_ms=10_000),
            how="encoded",
            request_id="r1",
            billed_s=10,
            attempts=2,
            reused=False,
        ),
    ),
    usage=Usage(audio_s=10.0, cost=0.1 + 0.2),
    remote_files=(RemoteFile(id="f1", deleted=True),),
    skipped=(Span(start_ms=30_000, end_ms=60_000),),
    inspection=Inspection(
        coverage=Coverage(speech_ms=15_000, covered_ms=8_000, missing=(Span(start_ms=10_000, end_ms=20_500),)),
        findings=(
            Judged(
                finding=Finding(
                    kind=Kind.HOLE,
                    span=Span(start_ms=10_000, end_ms=20_500),
                    severity=Severity.REPAIRABLE,
                    evidence="7.0 s of speech without text",
                ),
                repaired=False,
            ),
        ),
        repairs=(
            Repair(
                span=Span(start_ms=9_500, end_ms=20_500),
                kinds=(Kind.HOLE,),
                kept="old",
                request_id="r2",
                billed_s=11,
                cost=0.05,
            ),
        ),
    ),
)

spans = st.builds(lambda start, length: Span(start_ms=start, end_ms=start + length), st.integers(0), st.integers(0))
amounts = st.none() | st.floats(0, 1e9)


def places_of(node, path=()):
    """Every object inside a JSON value, as paths."""
    if isinstance(node, dict):
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, inner in items:
        yield from places_of(inner, (*path, key))


def object_at(node, path):
    """The object a path leads to."""
    for key in path:
        node = node[key]
    return node


RESULT = json.loads(render(FULL, "json"))
CLOSED = [path for path in places_of(RESULT) if path != ("engine", "parameters")]


def test_the_schema_is_valid():
    """The published schema obeys the JSON Schema it names."""
    Draft202012Validator.check_schema(SCHEMA)


def test_the_result_looks_as_promised():
    """Every key stands in its place, times are seconds, letters are not escaped."""
    assert json.loads(render(FULL, "json")) == {
        "voxtrald": "1.2.3",
        "source": {
            "name": "zīle.m4a",
            "sha256": "ab" * 32,
            "size_bytes": 5,
            "duration_s": 20.5,
            "container": "mov",
            "codec": "aac",
            "damage": [{"start": 0.0, "end": 2.5, "what": "no sound can be read here"}],
        },
        "engine": {
            "kind": "mistral",
            "model": "voxtral",
            "parameters": {"diarize": True, "language": "lv"},
            "downgrades": ["language"],
        },
        "language": "lv",
        "text": "Zīle.",
        "segments": [{"start": 0.001, "end": 1.234, "text": "Zīle.", "speaker": "speaker_1"}],
        "chunks": [
            {
                "start": 0.0,
                "end": 10.0,
                "request_id": "r1",
                "how": "encoded",
                "billed_s": 10,
                "attempts": 2,
                "reused": False,
            }
        ],
        "speakers": {"joins": [{"at": 9.0, "sure": True}, {"at": 18.0, "sure": False}]},
        "coverage": {"speech_s": 15.0, "covered_s": 8.0, "missing": [[10.0, 20.5]]},
        "findings": [
            {
                "kind": "hole",
                "start": 10.0,
                "end": 20.5,
                "severity": "repairable",
                "evidence": "7.0 s of speech without text",
                "repaired": False,
            }
        ],
        "repairs": [
            {
                "start": 9.5,
                "end": 20.5,
                "kinds": ["hole"],
                "request_id": "r2",
                "billed_s": 11,
                "cost": 0.05,
                "reused": False,
                "kept": "old",
            }
        ],
        "skipped": [[30.0, 60.0]],
        "usage": {"audio_s": 10.0, "cost": 0.3, "currency": "USD"},
        "remote_files": [{"id": "f1", "deleted": True}],
    }
    assert "Zīle." in render(FULL, "json")


def test_a_link_file_shows_its_address():
    """The address of a recording that was only named is told, and obeys the schema without container and codec."""
    address = "https://media.example.org/talk.mp3"
    source = replace(FULL.source, address=address, container="", codec="")
    chunks = (replace(FULL.chunks[0], how="address"),)
    result = json.loads(render(replace(FULL, source=source, chunks=chunks), "json"))

    assert result["source"]["address"] == address
    assert list(VALIDATOR.iter_errors(result)) == []


def test_a_text_that_was_not_inspected_says_nothing_of_findings():
    """Without an inspection there are no findings to list, and how much of the speech is covered is not known."""
    result = json.loads(render(replace(FULL, inspection=None), "json"))

    assert {"findings", "repairs"}.isdisjoint(result)
    assert result["coverage"] == {"speech_s": None, "covered_s": None, "missing": [[10.0, 20.5]]}
    assert list(VALIDATOR.iter_errors(result)) == []


def test_silences_that_were_left_out_are_listed():
    """What was not sent stands in the result, and a result of which everything was sent has no such list."""
    everything = json.loads(render(replace(FULL, skipped=()), "json"))

    assert RESULT["skipped"] == [[30.0, 60.0]]
    assert "skipped" not in everything
    assert list(VALIDATOR.iter_errors(everything)) == []


def test_a_recording_is_partial_where_only_the_text_has_a_hole():
    """A recording of which every chunk was answered is partial with a hole, whole without; an unanswered one failed."""
    whole = replace(FULL, transcript=replace(FULL.transcript, missing=()))
    unanswered = replace(FULL, chunks=(replace(FULL.chunks[0], how=None),))

    assert [one.is_partial for one in (FULL, whole, unanswered)] == [True, False, False]


def test_the_keys_stand_in_the_order_of_the_schema():
    """People who open a result find it arranged as documented."""
    assert list(SCHEMA["properties"]) == list(RESULT)


@given(
    st.builds(
        Document,
        version=st.text(),
        source=st.builds(SourceFacts, sha256=st.just("0" * 64), size_bytes=st.integers(0), duration_ms=st.integers(0)),
        engine=st.builds(EngineFacts, parameters=st.dictionaries(st.text(), st.none() | st.booleans() | st.text())),
        transcript=st.builds(
            Transcript,
            segments=st.lists(st.builds(Segment, start_ms=st.integers(0), end_ms=st.integers(0)), max_size=3).map(
                tuple
            ),
            missing=st.lists(spans, max_size=2).map(tuple),
        ),
        chunks=st.lists(
            st.builds(
                ChunkFacts,
                span=spans,
                how=st.sampled_from([None, "whole", "copied", "encoded"]),
                billed_s=amounts,
                attempts=st.integers(0),
            ),
            max_size=2,
        ).map(tuple),
        usage=st.builds(Usage, audio_s=st.floats(0, 1e9), cost=amounts),
        remote_files=st.lists(st.builds(RemoteFile), max_size=2).map(tuple),
        inspection=st.none()
        | st.builds(
            Inspection,
            coverage=st.none() | st.builds(Coverage, speech_ms=st.integers(0), covered_ms=st.integers(0)),
            findings=st.lists(st.builds(Judged, finding=st.builds(Finding, span=spans)), max_size=2).map(tuple),
            repairs=st.lists(st.builds(Repair, span=spans, billed_s=amounts, cost=amounts), max_size=2).map(tuple),
        ),
        skipped=st.lists(spans, max_size=2).map(tuple),
    )
)
def test_every_result_obeys_the_schema(document):
    """Whatever a document holds, its JSON is valid."""
    VALIDATOR.validate(json.loads(render(document, "json")))


@pytest.mark.parametrize("path", CLOSED, ids=lambda path: "/".join(map(str, path)) or "result")
def test_the_schema_refuses_unknown_keys(path):
    """A key nobody documented is an error wherever it stands."""
    result = json.loads(render(FULL, "json"))
    object_at(result, path)["surprise"] = 1

    assert not VALIDATOR.is_valid(result)


@pytest.mark.parametrize("path", CLOSED, ids=lambda path: "/".join(map(str, path)) or "result")
def test_the_schema_misses_every_missing_key(path):
    """A result without a documented key is refused; a speaker may be unknown, and a text not inspected."""
    for key in set(object_at(RESULT, path)) - {"speaker", "speakers", "findings", "repairs", "skipped"}:
        result = json.loads(render(FULL, "json"))
        del object_at(result, path)[key]

        assert not VALIDATOR.is_valid(result)
