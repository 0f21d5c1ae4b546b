"""What a rule takes over from above, what it does not, and who wrote what."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import EngineSettings, find_api_key, load_settings
from voxtrald.config.inheriting import SERVICE_KEYS, fill_rules
from voxtrald.errors import ConfigError

TOP = """\
engine:
  model: voxtral-mini-2602
  language: lv
  context_bias: [Rēzekne]
  timestamps: word
  diarize: true
  api_key_file: key
  server: vllm
  speaker_references: {Ilze: ilze.mp3}
  connect_timeout_s: 3
  read_timeout_s: 60
  idle_s: 9
"""
TAKEN_OVER = ("language", "context_bias", "timestamps", "diarize", "connect_timeout_s", "read_timeout_s", "idle_s")


@pytest.fixture
def under_rule(tmp_path):
    """Load a configuration and give the settings of a recording that its rule for `a/**` matches."""

    def load(text, environ=None):
        path = tmp_path / "config.yaml"
        path.write_text(text, "utf-8")
        return load_settings(path, environ=environ or {}).for_recording(PurePosixPath("a/talk.mp3"))

    return load


def rule(engine):
    """Write a rule for `a/**` with these engine keys."""
    return f"rules: [{{match: 'a/**', engine: {engine}}}]\n"


@pytest.mark.parametrize(
    "engine",
    [
        "{kind: local}",
        "{kind: openai, base_url: 'http://127.0.0.1:8000'}",
        "{base_url: 'https://proxy.example'}",
    ],
)
def test_what_belongs_to_another_service_is_not_taken_over(under_rule, engine):
    """A rule with an engine of its own gets neither key nor model nor voices of the one above, but the rest."""
    own = under_rule(TOP + rule(engine)).engine
    bare = EngineSettings(kind=own.kind, base_url=own.base_url)
    above = under_rule(TOP + rule("{}")).engine

    assert (own.model, own.api_key_file, own.server) == (bare.model, None, "auto")
    assert not own.speaker_references
    assert {key: getattr(own, key) for key in TAKEN_OVER} == {key: getattr(above, key) for key in TAKEN_OVER}


@pytest.mark.parametrize(
    "engine",
    [
        "{language: en}",
        "{kind: mistral, language: en}",
        "{base_url: 'https://api.mistral.ai/v1', language: en}",
    ],
)
def test_a_rule_for_the_same_service_takes_everything_over(under_rule, tmp_path, engine):
    """Naming the engine from above once more, also in other words, changes nothing."""
    own = under_rule(TOP + rule(engine)).engine

    assert own.model == "voxtral-mini-2602"
    assert own.api_key_file == tmp_path / "key"
    assert dict(own.speaker_references) == {"Ilze": tmp_path / "ilze.mp3"}
    assert own.language == "en"


def test_a_rule_back_to_mistral_gets_mistrals_defaults(under_rule):
    """Below an engine of another kind, kind mistral has its own address and model again."""
    own = under_rule("engine: {kind: local, model: tiny.en}\n" + rule("{kind: mistral}")).engine

    assert own == EngineSettings()


def test_the_environment_decides_which_service_is_above(under_rule):
    """A variable that moves the outer engine also moves it away from a rule's own address."""
    text = "engine: {model: mine, api_key_file: key}\n" + rule("{base_url: 'https://api.mistral.ai'}")

    here = under_rule(text).engine
    moved = under_rule(text, {"VOXTRALD_ENGINE__BASE_URL": "https://proxy.example"}).engine

    assert (here.model, here.api_key_file is None) == ("mine", False)
    assert (moved.model, moved.api_key_file) == ("voxtral-mini-transcribe-3-0", None)


def test_a_variable_reaches_into_the_rules_of_its_service(under_rule):
    """The environment goes before the file for the rules as well, where they leave the key out."""
    environ = {"VOXTRALD_ENGINE__MODEL": "voxtral-mini-2507"}

    assert under_rule(TOP + rule("{language: en}"), environ).engine.model == "voxtral-mini-2507"
    assert under_rule(TOP + rule("{kind: local}"), environ).engine.model is None


def test_a_rule_that_does_not_tell_speakers_apart_needs_no_voices(under_rule):
    """`diarize: false` in a rule is enough, with voices named above."""
    own = under_rule(TOP + rule("{diarize: false}")).engine

    assert (own.diarize, len(own.speaker_references)) == (False, 0)
    assert own.model == "voxtral-mini-2602"


def test_a_rule_without_its_servers_address_is_told_at_its_line(under_rule):
    """The address above is another service's and does not help a rule of kind openai."""
    with pytest.raises(ConfigError) as caught:
        under_rule("engine: {base_url: 'https://proxy.example'}\n" + rule("{kind: openai}"))

    [problem] = caught.value.problems
    assert (problem.key, problem.line) == ("rules[0].engine.base_url", 2)


def test_what_is_wrong_above_is_told_once(under_rule):
    """A rule that takes a missing address over does not repeat the problem, and a wrong kind brings no others."""
    for text, key in (("{kind: openai}", "engine.base_url"), ("{kind: cloud}", "engine.kind")):
        with pytest.raises(ConfigError) as caught:
            under_rule(f"engine: {text}\n{rule('{language: lv}')}")

        assert [problem.key for problem in caught.value.problems] == [key]


anything = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2)
services = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["mistral", "openai", "local"]) | anything,
        "base_url": st.sampled_from(["https://api.mistral.ai", "https://a.example", "https://a.example/v1/"])
        | anything,
        "model": st.just("outer"),
        "api_key_file": st.just("outer-key"),
        "language": st.just("lv"),
    },
)


@given(above=services, own=services.map(lambda keys: {k: v for k, v in keys.items() if k in {"kind", "base_url"}}))
def test_a_key_never_travels_to_another_service(above, own):
    """Whatever is written, a rule takes the key file over only together with kind and address."""
    [filled] = fill_rules({"engine": above, "rules": [{"match": "a", "engine": own}]})["rules"]
    merged = filled["engine"]

    if "api_key_file" in merged:
        assert merged.get("kind", "mistral") == above.get("kind", "mistral")
        assert ended(merged) == ended(above)
    else:
        assert "api_key_file" not in above or merged.keys() & (SERVICE_KEYS - own.keys()) == set()
    assert merged.get("language") == above.get("language")


def ended(engine):
    """Give the address of a group of engine keys as the engine would use it."""
    address = engine.get("base_url", "https://api.mistral.ai" if engine.get("kind", "mistral") == "mistral" else None)
    return address.rstrip("/").removesuffix("/v1") if isinstance(address, str) else address


# --- was it written? ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "environ", "is_written"),
    [
        ("", {}, False),
        ("chunks: {search_s: 5}", {}, False),
        ("chunks: {max_minutes: 14}", {}, True),
        ("", {"VOXTRALD_CHUNKS__MAX_MINUTES": "14"}, True),
        ("rules: [{match: 'a/**', chunks: {max_minutes: 14}}]", {}, True),
        ("rules: [{match: 'a/**', chunks: {search_s: 5}}]", {}, False),
        ("chunks: {max_minutes: 14}\nrules: [{match: 'a/**', chunks: {search_s: 5}}]", {}, True),
        ("chunks: {max_minutes: 14}\nrules: [{match: 'a/**', engine: {language: lv}}]", {}, True),
        ("rules: [{match: 'a/**', chunks: {search_s: 5}}]", {"VOXTRALD_CHUNKS__MAX_MINUTES": "14"}, True),
        ("rules: [{match: 'b/**', chunks: {max_minutes: 14}}]", {}, False),
    ],
)
def test_it_is_known_whether_a_key_was_written(under_rule, text, environ, is_written):
    """A key counts as written in the file, the environment, a rule or above a rule, also with its default."""
    assert under_rule(text, environ).chunks.wrote("max_minutes") is is_written


def test_making_paths_absolute_writes_nothing(tmp_path):
    """Folders and files that nobody named are not taken for written."""
    path = tmp_path / "config.yaml"
    path.write_text("folders: {inbox: in}\naudio: {ffmpeg: bin/ffmpeg}\n", "utf-8")

    loaded = load_settings(path, environ={})

    assert (loaded.folders.wrote("inbox"), loaded.folders.wrote("outbox")) == (True, False)
    assert (loaded.audio.wrote("ffmpeg"), loaded.audio.wrote("accepted")) == (True, False)
    assert loaded.audio.ffmpeg == tmp_path / "bin/ffmpeg"


def test_a_replaced_value_is_no_written_one():
    """A copy with other values remembers what somebody wrote, and nothing else."""
    engine = EngineSettings(language="lv")

    copy = engine.replaced({"model": "other", "language": "en"})

    assert (copy.model, copy.wrote("model"), copy.wrote("language")) == ("other", False, True)
    assert (engine.model, engine.language) == ("voxtral-mini-transcribe-3-0", "lv")


def test_asking_for_a_key_that_does_not_exist_is_a_mistake():
    """A misspelt name is not answered with "not written"."""
    with pytest.raises(KeyError):
        EngineSettings().wrote("modell")


def test_each_engine_is_listed_once(tmp_path):
    """The engines that recordings may meet: the outer one first, then those of rules that differ."""
    path = tmp_path / "config.yaml"
    path.write_text(
        "rules:\n- {match: a, engine: {kind: local}}\n- {match: b, engine: {}}\n- {match: c, engine: {kind: local}}\n"
        "- {match: d, output: {formats: [txt]}}\n",
        "utf-8",
    )

    loaded = load_settings(path, environ={})

    assert [engine.kind for engine in loaded.engines] == ["mistral", "local"]
    assert all(find_api_key(engine, {}, main=loaded.engine) is None for engine in loaded.engines)
