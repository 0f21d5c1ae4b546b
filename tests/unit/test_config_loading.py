"""The configuration as people write it: what holds, and what they are told when it cannot."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.config import Settings, changed_needing_restart, find_config, load_settings
from voxtrald.config.choices import engine_kinds
from voxtrald.config.sections import WatchSettings
from voxtrald.errors import ConfigError


@pytest.fixture
def config(tmp_path):
    """Write a configuration file and give its path."""

    def write(text):
        path = tmp_path / "config.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


def complaints(path, environ=None):
    """Load what cannot be loaded; list (line, key, what) of each problem."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ=environ or {})
    return [(problem.line, problem.key, problem.what) for problem in caught.value.problems]


def hints(path, environ=None):
    """Load what cannot be loaded; list the hints."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ=environ or {})
    return [problem.hint for problem in caught.value.problems]


# --- what holds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "# nothing\n", "watch:\n  # mode: events\nrules:\n", "{}"])
def test_what_is_left_out_keeps_its_default(config, tmp_path, text):
    """An empty file, or one whose keys are all commented out, gives the defaults."""
    loaded = load_settings(config(text), environ={})

    assert loaded.model_copy(update={"base": Path(), "folders": Settings().folders}) == Settings()
    assert loaded.base == tmp_path


def test_paths_start_at_the_folder_of_the_file(config, tmp_path):
    """Relative paths begin where the file lies, `~` at the home, absolute ones stay."""
    text = (
        "folders: {inbox: in, outbox: ~/out, error: /srv/error}\n"
        "engine: {api_key_file: key}\n"
        "rules: [{match: a, audio: {ffmpeg: bin/ffmpeg}}]\n"
    )

    loaded = load_settings(config(text), environ={"HOME": "/home/ilze"})

    assert loaded.folders.inbox == tmp_path / "in"
    assert loaded.folders.outbox == Path("/home/ilze/out")
    assert loaded.folders.error == Path("/srv/error")
    assert loaded.folders.state == tmp_path / "state"
    assert loaded.engine.api_key_file == tmp_path / "key"
    assert loaded.for_recording(PurePosixPath("a")).audio.ffmpeg == tmp_path / "bin/ffmpeg"


def test_without_a_file_paths_start_here(tmp_path, monkeypatch):
    """Without a configuration file the current folder is the base."""
    monkeypatch.chdir(tmp_path)

    loaded = load_settings(None, environ={})

    assert loaded.folders.inbox == tmp_path / "inbox"


def test_words_mean_what_they_say(config):
    """The key `on` and the language code `no` are text, not truth values."""
    loaded = load_settings(config("notify:\n  on: [held]\nengine:\n  language: no\n"), environ={})

    assert loaded.notify.on == ("held",)
    assert loaded.engine.language == "no"


def test_copy_is_a_key(config):
    """The key `audio.copy` sets whether packets are copied."""
    loaded = load_settings(config("audio: {copy: never}"), environ={})

    assert loaded.audio.copy_mode == "never"


@pytest.mark.parametrize("address", [f"http://localhost:8000{end}" for end in ("", "/", "/v1", "/v1/")])
def test_the_address_loses_its_end(config, address):
    """A slash or a `/v1` at the end of the engine's address makes no difference."""
    loaded = load_settings(config(f"engine: {{base_url: '{address}'}}"), environ={})

    assert loaded.engine.base_url == "http://localhost:8000"


# --- rules --------------------------------------------------------------------------------------------------


def test_the_first_matching_rule_counts(config):
    """A recording gets the keys of the first rule that matches, and the outer ones for the rest."""
    text = (
        "engine: {diarize: true}\n"
        "rules:\n"
        "  - {match: 'lv/**', engine: {language: lv}}\n"
        "  - {match: '**', engine: {language: en, diarize: false}, output: {formats: [txt]}}\n"
    )
    loaded = load_settings(config(text), environ={})

    latvian = loaded.for_recording(PurePosixPath("lv/2026/talk.mp3"))
    other = loaded.for_recording(PurePosixPath("talk.mp3"))

    assert (latvian.engine.language, latvian.engine.diarize) == ("lv", True)
    assert latvian.output == loaded.output
    assert (other.engine.language, other.engine.diarize) == ("en", False)
    assert other.output.formats == ("txt",)


def test_without_a_matching_rule_the_outer_settings_hold(config):
    """A recording that no rule matches is treated by the outer sections."""
    loaded = load_settings(config("rules: [{match: 'lv/*', engine: {language: lv}}]"), environ={})

    assert loaded.for_recording(PurePosixPath("talk.mp3")).engine is loaded.engine


def test_a_mistake_outside_is_not_told_again_for_each_rule(config):
    """A rule that takes a wrong value over from outside does not repeat the problem."""
    text = "chunks:\n  max_minutes: long\n  overlp_s: 1\nrules: [{match: a, chunks: {search_s: 5}}]\n"

    assert complaints(config(text)) == [
        (2, "chunks.max_minutes", "must be a number of minutes"),
        (3, "chunks.overlp_s", "is not a known key"),
    ]


def test_a_rule_is_checked_together_with_what_it_takes_over(config):
    """A rule's key that does not fit a key outside is a problem at the rule's line."""
    text = "chunks: {first_minutes: 3}\nrules:\n  - match: a\n    chunks: {max_minutes: 2}\n"

    assert complaints(config(text)) == [
        (4, "rules[0].chunks.first_minutes", "is 3, more than max_minutes (2)"),
    ]


# --- what people are told -----------------------------------------------------------------------------------


def test_every_problem_is_told_at_once(config):
    """Problems of several sections come together, in the order of the lines."""
    text = "watch:\n  settle_s: 0\nlimits:\n  recordings: many\noutput:\n  name: talk\n"

    assert complaints(config(text)) == [
        (2, "watch.settle_s", "must be more than 0 seconds"),
        (4, "limits.recordings", "must be a whole number"),
        (6, "output.name", "would give all recordings the same name"),
    ]


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("watch: {settle_s: 5s}", "watch.settle_s", "must be a number of seconds"),
        ("watch: {settle_s: true}", "watch.settle_s", "must be a number of seconds"),
        ("watch: {rescan_s: .inf}", "watch.rescan_s", "must be a finite number"),
        ("watch: {recursive: perhaps}", "watch.recursive", "must be true or false"),
        ("watch: 5", "watch", "must be a group of keys"),
        ("watch: [a]", "watch", "must be a group of keys"),
        ("watch: {ignore: '*.bak'}", "watch.ignore", "must be a list"),
        ("watch: {ignore: ['[z-a]*']}", "watch.ignore", "is not a pattern: the range in [z-a] runs backwards"),
        ("folders: {inbox: ''}", "folders.inbox", "must be a path, not empty text"),
        ("folders: {inbox: 5}", "folders.inbox", "must be a path"),
        ("engine: {model: ''}", "engine.model", "must not be empty"),
        ("engine: {model: 3}", "engine.model", "must be text"),
        ("engine: {language: Latvian}", "engine.language", "is not a language code"),
        ("engine: {base_url: api.mistral.ai}", "engine.base_url", "is not a web address"),
        ("engine: {base_url: 'http://[::1'}", "engine.base_url", "is not a web address"),
        ("engine: {base_url: null}", "engine.base_url", "must not be null"),
        ("engine: {kind: cloud}", "engine.kind", f"must be one of {', '.join(engine_kinds())}, not `cloud`"),
        ("engine: {speaker_references: [a.mp3]}", "engine.speaker_references", "must be a group of keys"),
        (
            "engine: {speaker_references: {Ilze: a.mp3}}",
            "engine.speaker_references",
            "can only be used with `diarize: true`",
        ),
        ("watch: {link_hosts: ['https://a.example']}", "watch.link_hosts[0]", "is not a host's name"),
        ("watch: {link_hosts: ['*']}", "watch.link_hosts[0]", "is not a host's name"),
        ("watch: {link_hosts: ['a.example:99999']}", "watch.link_hosts[0]", "is not a host's name"),
        ("watch: {link_hosts: ['a.example/x']}", "watch.link_hosts[0]", "is not a host's name"),
        ("engine: {base_url: 'https://u:p@a'}", "engine.base_url", "must hold a host and a path only"),
        ("audio: {accepted: [.mp3]}", "audio.accepted[0]", "is not a format's name"),
        ("audio: {accepted: []}", "audio.accepted", "must not be empty"),
        ("limits: {requests: 65}", "limits.requests", "must be at most 64"),
        ("limits: {requests: 2.5}", "limits.requests", "must be a whole number"),
        ("retry: {max_wait_s: 0.5}", "retry.max_wait_s", "is 0.5, less than first_wait_s (1)"),
        (
            "chunks: {first_minutes: 0.3}",
            "chunks.search_s",
            "is 20 s, which is not less than first_minutes (0.3)",
        ),
        (
            "chunks: {overlap_s: 300}",
            "chunks.overlap_s",
            "is 300 s, more than a quarter of max_minutes (210 s)",
        ),
        ("output: {name: '{stem'}", "output.name", "has a brace without its partner"),
        ("output: {name: '{stem}{year}'}", "output.name", "has the unknown part {year}"),
        ("output: {name: '{stem!r}'}", "output.name", "must use its parts as they are, without `:` or `!`"),
        ("output: {name: '../{stem}'}", "output.name", "must be one visible file name, without a folder"),
        ("output: {formats: [txt, txt]}", "output.formats", "names something twice"),
        ("rules: [{engine: {language: lv}}]", "rules[0].match", "is missing"),
        ("rules: {match: a}", "rules", "must be a list"),
        ("rules: [{match: /a}]", "rules[0].match", "must not begin with /, it starts at the inbox"),
        ("rules: [{match: 'a[z-a]'}]", "rules[0].match", "is not a pattern: the range in [z-a] runs backwards"),
        ("rules: [{match: a, folders: {}}]", "rules[0].folders", "cannot differ between recordings"),
        ("dispatch: {url: mysql://a}", "dispatch.url", "must be sqlite or a postgresql:// address"),
        (
            "audio: {bitrate_kbps: 192}",
            "audio.bitrate_kbps",
            "is 192, but an mp3 at 16000 Hz has at most 160 kbit/s",
        ),
    ],
)
def test_a_wrong_value_is_named_in_plain_words(config, text, key, what):
    """Each kind of wrong value is one problem, with its key, its line and a sentence."""
    assert complaints(config(text)) == [(1, key, what)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("watch: {settel_s: 5}", "did you mean `settle_s`?"),
        ("wach: {}", "did you mean `watch`?"),
        ("watch: {Mode: events}", "did you mean `mode`?"),
        ("watch: {attempts: 5}", "did you mean `retry.attempts`?"),
        ("retry: {zzz: 5}", "there are attempts, first_wait_s, max_wait_s"),
        ("watch: {mode: pol}", "did you mean `polling`?"),
        ("rules: [{match: a, engin: {}}]", "did you mean `engine`?"),
        ("rules: [{match: a, engine: {modell: x}}]", "did you mean `model`?"),
        ("watch: {settle_s: 5s}", "without the unit"),
    ],
)
def test_a_misspelling_is_answered_with_what_was_meant(config, text, hint):
    """Unknown keys and choices come with the nearest known one."""
    assert hints(config(text)) == [hint]


@pytest.mark.parametrize(
    ("rule", "key", "what"),
    [
        ("limits: {requests: 2}", "limits.requests", "cannot differ between recordings"),
        ("limits: {max_cost: 2}", "limits.max_cost", "is not a known key"),
        ("limits: {max_cost_per_day: 0}", "limits.max_cost_per_day", "must be more than 0"),
    ],
)
def test_a_rule_may_limit_what_it_costs_and_nothing_else(config, rule, key, what):
    """Of the limits, only those on spending may stand in a rule."""
    assert complaints(config(f"rules: [{{match: a, {rule}}}]")) == [(1, f"rules[0].{key}", what)]


def test_a_rules_limits_are_its_own(config):
    """They take nothing over from above, and a recording knows which rule it matched."""
    settings = load_settings(
        config(
            "{limits: {max_cost_per_day: 9, requests: 2}, rules: [{match: 'lv/**', limits: {max_cost_per_month: 1}}]}"
        ),
        environ={},
    )
    (rule,) = settings.rules

    assert (rule.limits.max_cost_per_day, rule.limits.max_cost_per_month) == (None, 1)
    assert settings.limits.max_cost_per_day == 9
    assert settings.for_recording(PurePosixPath("lv/a.wav")).rule == "lv/**"
    assert settings.for_recording(PurePosixPath("a.wav")).rule == ""


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("dispatch: {url: postgresql://h/d}", "dispatch.url", "is not available in this version"),
        ("web: {listen: '127.0.0.1:8642'}", "web.listen", "is not available in this version"),
    ],
)
def test_what_this_version_cannot_do_is_said(config, text, key, what):
    """A key whose feature is still to come is refused instead of being ignored."""
    assert complaints(config(text)) == [(1, key, what)]


@pytest.mark.parametrize(
    "text",
    [
        "engine:\n  api_key: s3cret-value\n",
        "engine:\n  api_key_file: abcdefghijklmnopqrstuvwxyz012345\n",
        "rules:\n- {match: a, engine: {token: s3cret-value}}\n",
    ],
)
def test_a_key_in_the_file_is_refused_without_repeating_it(config, text):
    """A secret in the file is one problem that explains the three places for it and does not show it."""
    with pytest.raises(ConfigError) as caught:
        load_settings(config(text), environ={})

    [problem] = caught.value.problems
    assert problem.line == 2
    assert all(source in problem.hint for source in ("systemd", "engine.api_key_file", "MISTRAL_API_KEY"))
    assert "s3cret-value" not in str(caught.value)
    assert "abcdefghijklmnopqrstuvwxyz012345" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "watch:\n\tmode: events\n",
            (2, "", "is not valid YAML: found character '\\t' that cannot start any token"),
        ),
        ("watch: {mode: events\n", (2, "", "is not valid YAML: expected ',' or '}', but got '<stream end>'")),
        ("- watch\n", (None, "", "must hold keys such as `folders:`, not a single value or a list")),
        ("watch: {mode: auto}\nwatch: {}\n", (2, "watch", "is given twice, first in line 1")),
        ("watch: {ignore: &a [*a]}\n", (1, "watch.ignore[0]", "refers to itself")),
        (
            "watch: {settle_s: !!python/name:os.system 1}\n",
            (1, "watch.settle_s", "cannot be read as os.system"),
        ),
    ],
)
def test_broken_yaml_is_told_with_its_line(config, text, problem):
    """A file that is not proper YAML is a problem with a line, not a traceback."""
    assert problem in complaints(config(text))


def test_a_character_that_yaml_forbids_is_told_with_its_line(tmp_path):
    """A file in another encoding is a problem with a line."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"watch:\n  ignore: [R\xe9zekne]\n")

    assert complaints(path) == [(2, "", "holds a character that YAML does not allow")]


def test_a_file_nested_without_end_is_told(config):
    """A file that nests deeper than can be read is a problem, not a crash."""
    assert complaints(config("[" * 600)) == [(None, "", "is nested too deeply")]


def test_links_need_hosts():
    """Link files without a list of hosts would let any file of the inbox choose an address."""
    wrongs = [wrong.key for wrong in WatchSettings.model_construct(links=True, link_hosts=()).wrongs()]

    assert wrongs == ["link_hosts"]


def test_hosts_are_the_same_in_capitals():
    """The names of hosts are compared in small letters."""
    assert WatchSettings(link_hosts=["Media.Example.ORG"]).link_hosts == ("media.example.org",)


def test_a_host_may_name_a_port_and_have_another_script():
    """Hosts are kept in the form in which addresses are compared with them."""
    hosts = WatchSettings(link_hosts=["*.Example.org:8443", "müller.example"]).link_hosts

    assert hosts == ("*.example.org:8443", "xn--mller-kva.example")


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path, name):
    """A missing file or a folder in its place is a problem that names it."""
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / name, environ={})

    [problem] = caught.value.problems
    assert problem.file == str(tmp_path / name)
    assert problem.what.startswith("cannot be read: ")


some_keys = st.sampled_from(["watch", "engine", "chunks", "rules", "match", "mode", "max_minutes", "zzz"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = st.deferred(
    lambda: scalars | st.lists(json_values, max_size=3) | st.dictionaries(some_keys, json_values, max_size=3)
)


@given(values=st.dictionaries(some_keys, json_values, max_size=4))
def test_whatever_is_written_is_taken_or_told(tmp_path_factory, values):
    """No file, however odd, ends in anything but settings or problems."""
    path = tmp_path_factory.mktemp("written") / "config.yaml"
    path.write_text(json.dumps(values), encoding="utf-8")

    try:
        loaded = load_settings(path, environ={})
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - which of the two happens depends on the example
    else:
        assert isinstance(loaded, Settings)


# --- the environment ----------------------------------------------------------------------------------------


def test_the_environment_goes_before_the_file(config):
    """A variable sets one key and leaves its neighbours as the file has them."""
    path = config("watch: {settle_s: 1, rescan_s: 60}\n")
    environ = {
        "VOXTRALD_WATCH__SETTLE_S": "5",
        "VOXTRALD_OUTPUT__FORMATS": "[txt, json]",
        "VOXTRALD_ENGINE__LANGUAGE": "",
        "VOXTRALD_AUDIO__COPY": "always",
        "VOXTRALD_STOP_GRACE_S": "7",
        "VOXTRALD_CONFIG": "elsewhere.yaml",
        "VOXTRALD_FFMPEG": "/usr/bin/ffmpeg",
        "VOXTRALD_OF_ANOTHER_PROGRAM": "x",
    }

    loaded = load_settings(path, environ=environ)

    assert (loaded.watch.settle_s, loaded.watch.rescan_s) == (5, 60)
    assert loaded.output.formats == ("txt", "json")
    assert loaded.engine.language is None
    assert loaded.audio.copy_mode == "always"
    assert loaded.stop_grace_s == 7


def test_a_wrong_variable_is_told_by_its_name(config):
    """A wrong value from the environment names the variable, not a line of the file."""
    with pytest.raises(ConfigError) as caught:
        load_settings(config("watch: {settle_s: 1}"), environ={"VOXTRALD_WATCH__SETTLE_S": "soon"})

    assert str(caught.value) == (
        "VOXTRALD_WATCH__SETTLE_S: watch.settle_s: must be a number of seconds (without the unit)"
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VOXTRALD_WATCH__SETLE_S", "VOXTRALD_WATCH__SETTLE_S"),
        ("VOXTRALD_WATCH_SETTLE_S", "VOXTRALD_WATCH__SETTLE_S"),
        ("VOXTRALD_STOP_GRACE", "VOXTRALD_STOP_GRACE_S"),
    ],
)
def test_a_misspelt_variable_is_told(name, meant, tmp_path, monkeypatch):
    """A variable that is nearly a key is a problem that names the key's variable."""
    monkeypatch.chdir(tmp_path)

    assert hints(None, environ={name: "5"}) == [f"did you mean {meant}?"]


def test_a_key_in_a_variable_of_our_own_is_refused(tmp_path, monkeypatch):
    """VOXTRALD_ENGINE__API_KEY is answered with the three places for the key."""
    monkeypatch.chdir(tmp_path)

    [hint] = hints(None, environ={"VOXTRALD_ENGINE__API_KEY": "s3cret-value"})

    assert "MISTRAL_API_KEY" in hint
    assert "s3cret-value" not in hint


# --- which file, and reading it anew ------------------------------------------------------------------------


def test_the_file_asked_for_comes_first(tmp_path):
    """--config goes before $VOXTRALD_CONFIG, which goes before ./config.yaml."""
    (tmp_path / "config.yaml").touch()
    environ = {"VOXTRALD_CONFIG": "b.yaml"}

    assert find_config(Path("a.yaml"), environ=environ, cwd=tmp_path) == tmp_path / "a.yaml"
    assert find_config(None, environ=environ, cwd=tmp_path) == tmp_path / "b.yaml"
    assert find_config(None, environ={"VOXTRALD_CONFIG": ""}, cwd=tmp_path) == tmp_path / "config.yaml"


def test_a_host_taken_off_the_list_needs_a_restart(config):
    """A reload does not seem to forbid a host that would still be opened."""
    old = load_settings(config("watch: {links: true, link_hosts: [a.example, b.example]}"), environ={})
    new = load_settings(config("watch: {links: true, link_hosts: [a.example]}"), environ={})

    assert changed_needing_restart(old, new) == ("watch.link_hosts",)


def test_only_some_keys_need_a_restart(config):
    """Of two versions of the file, the changed keys that wait for a restart are named."""
    old = load_settings(config("retry: {attempts: 1}"), environ={})
    new = load_settings(config("retry: {attempts: 2}\nfolders: {inbox: other}\nwatch: {settle_s: 9}\n"), environ={})

    assert changed_needing_restart(old, new) == ("folders.inbox", "watch.settle_s")
    assert changed_needing_restart(old, old) == ()


def test_settings_show_no_secrets():
    """The printed settings leave out what may carry a token."""
    shown = repr(Settings())

    assert "urls" not in shown
    assert "sqlite" not in shown
