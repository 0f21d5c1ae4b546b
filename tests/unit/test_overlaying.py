"""Whose word counts, and that nobody beside a recording gets further than the administrator lets them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import Layer, Overlaid, Sidecar, load_settings, overlay, read_sidecar
from voxtrald.config.overlaying import MANNER, SHOWN
from voxtrald.errors import ConfigError

CONFIG = """\
engine: {language: de, context_bias: [Ampel], diarize: true, speaker_references: {Ilze: ilze.mp3}, api_key_file: key}
output: {originals: keep, name: "{stem}-x"}
sidecars:
  engines:
    here: {kind: local, model: small}
    office: {kind: openai, base_url: "http://127.0.0.1:9", api_key_file: office-key}
rules:
  - {match: "lv/**", engine: {language: lv}}
  - {match: "secret/open/**", engine: {kind: local}, sidecars: {engines: [office]}}
  - {match: "secret/**", engine: {kind: local}}
  - {match: "other/**", engine: {base_url: "https://proxy.example"}}
  - {match: "account/**", engine: {api_key_file: own-key}}
  - {match: "off/**", sidecars: {enabled: false}}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Load a configuration that offers two engines."""
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(CONFIG, "utf-8")
    return load_settings(path, environ={})


def own(settings, place):
    """Give the administrator's settings for a recording in a folder."""
    return settings.for_recording(PurePosixPath(place, "talk.m4a"))


def layer(text, file="voxtrald.yaml"):
    """Read one sidecar."""
    sidecar, problems = read_sidecar(text.encode(), file=file)
    assert problems == ()
    return Layer(file=file, sidecar=sidecar)


SIDECARS = st.fixed_dictionaries(
    {},
    optional={
        "language": st.sampled_from(["lv", "de", None]),
        "vocabulary": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
        "diarize": st.booleans(),
        "timestamps": st.sampled_from(["word", "segment", "none"]),
        "speakers": st.dictionaries(st.sampled_from(["speaker_1", "speaker_2"]), st.sampled_from(["Anna", "Ilze"])),
        "formats": st.lists(st.sampled_from(["txt", "srt", "md"]), min_size=1, max_size=3, unique=True),
        "engine": st.sampled_from(["here", "office", "nowhere", None]),
    },
).map(Sidecar.model_validate)
LAYERS = st.lists(
    st.builds(Layer, file=st.sampled_from("abc"), sidecar=SIDECARS)
    | st.builds(Layer, file=st.just("names.txt"), names=st.lists(st.sampled_from("xyz"), max_size=3).map(tuple)),
    max_size=5,
)
PLACES = st.sampled_from(["", "lv", "secret", "secret/open", "other", "account", "off"])


@given(place=PLACES, layers=LAYERS)
def test_the_nearest_word_counts(settings, place, layers):
    """Key by key, the last file that says something wins, and where none does, the administrator's word stands."""
    before = own(settings, place)
    laid = overlay(before, layers)
    if not isinstance(laid, Overlaid):
        return
    spoken = [layer.sidecar for layer in layers if layer.sidecar is not None]
    for key, name in (MANNER | SHOWN).items():
        section, after = (
            (before.engine, laid.settings.engine) if key in MANNER else (before.output, laid.settings.output)
        )
        wanted = next((getattr(each, key) for each in reversed(spoken) if each.wrote(key)), getattr(section, name))

        assert getattr(after, name)[: len(wanted)] == wanted if key == "vocabulary" else getattr(after, name) == wanted
    assert {name for each in layers for name in each.names} <= set(laid.settings.engine.context_bias)


@given(place=PLACES, layers=LAYERS)
def test_nobody_gets_further_than_permitted(settings, place, layers):
    """Only manner and looks can change; who is asked is the administrator's engine, or one offered for this place."""
    before = own(settings, place)
    laid = overlay(before, layers)
    if not isinstance(laid, Overlaid):
        assert all(problem.key == "engine" for problem in laid)
        return
    after = laid.settings

    assert laid.service in (before.engine, *before.choices.values())
    assert all(
        getattr(after, each.name) == getattr(before, each.name)
        for each in fields(before)
        if each.name not in {"engine", "output"}
    )
    assert after.engine.replaced(dict.fromkeys((*MANNER.values(), "speaker_references"))) == laid.service.replaced(
        dict.fromkeys((*MANNER.values(), "speaker_references"))
    )
    assert after.output.replaced(dict.fromkeys(SHOWN.values())) == before.output.replaced(dict.fromkeys(SHOWN.values()))
    assert set(after.engine.speaker_references) <= set(laid.service.speaker_references)


@given(content=st.binary(max_size=120) | st.sampled_from([b"engine: office", b"engine: here", b"engine: [here]"]))
def test_what_a_rule_keeps_here_stays_here(settings, content):
    """Whatever people write, recordings of a rule with a local engine are heard on this machine."""
    before = own(settings, "secret")
    sidecar, _ = read_sidecar(content, file="voxtrald.yaml")
    laid = overlay(before, [Layer(file="voxtrald.yaml", sidecar=sidecar)])

    assert not isinstance(laid, Overlaid) or laid.settings.engine.kind == "local"


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("", ["here", "office"]),
        ("lv", ["here", "office"]),
        ("secret", []),
        ("secret/open", ["office"]),
        ("other", []),
        ("account", []),
        ("off", []),
    ],
)
def test_a_rule_that_keeps_its_recordings_apart_lets_them_go_by_itself_only(settings, place, names):
    """A local engine, another service or another account of a rule is left only where that rule names engines."""
    assert list(own(settings, place).choices) == names


def test_a_rule_can_do_without(settings):
    """Where a rule turns the files off, they do not count; elsewhere they do."""
    assert (own(settings, "off").heeds_sidecars, own(settings, "lv").heeds_sidecars) == (False, True)


def test_a_chosen_engine_is_asked_in_the_recordings_manner(settings):
    """Language and words are the recording's, address, key and model the engine's, and voices stay where they were."""
    laid = overlay(own(settings, "lv"), [layer("engine: office\nvocabulary: [Rēzekne]\n")])
    engine = laid.settings.engine

    assert laid.choice == "office"
    assert (engine.language, engine.context_bias, engine.diarize) == ("lv", ("Rēzekne",), True)
    assert (engine.base_url, engine.api_key_file.name) == ("http://127.0.0.1:9", "office-key")
    assert engine.speaker_references == {}


def test_voices_are_not_sent_where_speakers_are_not_told_apart(settings):
    """Where a file turns `diarize` off, no clips of voices go out, which could not be used."""
    laid = overlay(own(settings, ""), [layer("diarize: false\n")])

    assert own(settings, "").engine.speaker_references
    assert laid.settings.engine.speaker_references == {}


def test_the_nearest_can_take_a_choice_back(settings):
    """`engine: null` beside a recording gives it the administrator's engine again."""
    laid = overlay(own(settings, ""), [layer("engine: here\n"), layer("engine: null\n", file="talk.voxtrald.yaml")])

    assert (laid.choice, laid.service) == ("", settings.engine)


def test_lists_of_names_add_up(settings):
    """Names of all folders count, the nearest first, after the words that were set by key; none comes twice."""
    far, near = Layer(file="names.txt", names=("A", "B")), Layer(file="lv/names.txt", names=("C", "A"))
    laid = overlay(own(settings, "lv"), [far, near])

    assert laid.settings.engine.context_bias == ("Ampel", "C", "A", "B")
    assert laid.sources == {"vocabulary": ("lv/names.txt", "names.txt")}


def test_a_rule_names_only_engines_that_are_there(tmp_path):
    """Names without an entry, and what a recording brings along itself, are mistakes of the configuration."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "sidecars: {engines: {here: {kind: local, language: lv, modle: x}}}\n"
        "rules: [{match: a, sidecars: {engines: [hre], enabld: true}}]\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ={})

    assert [(problem.line, problem.key, problem.hint) for problem in caught.value.problems] == [
        (1, "sidecars.engines.here.modle", "did you mean `model`?"),
        (1, "sidecars.engines.here.language", "leave it out"),
        (2, "rules[0].sidecars.enabld", "did you mean `enabled`?"),
        (2, "rules[0].sidecars.engines[0]", "did you mean `here`?"),
    ]
