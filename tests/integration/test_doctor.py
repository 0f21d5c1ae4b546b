"""What `voxtrald check` finds, on real folders."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from voxtrald.audio.jail.keeper import Jail, Keeper
from voxtrald.config import AudioSettings, EngineSettings, FolderSettings, LimitSettings, Rule, Settings
from voxtrald.errors import ApiDenied, ApiUnreachable, StoreError
from voxtrald.service.doctor import Grade, examine

KEY = {"MISTRAL_API_KEY": "0123456789abcdef"}


@pytest.fixture
def folders(tmp_path):
    """Folders that are not there yet."""
    return FolderSettings(**{name: tmp_path / name for name in ("inbox", "outbox", "error", "state")})


@dataclass
class Asked:
    """An engine of which only the check and the price are used."""

    check: Callable[[], str] = lambda: "fine"
    warnings: tuple[str, ...] = ()
    price: float | None = 0.0
    model: str = "next"

    @property
    def capabilities(self):
        """What it costs."""
        return SimpleNamespace(price_per_minute=self.price)


def engines(*asked):
    """Open engines, and close them."""
    return lambda: contextlib.nullcontext(asked or (Asked(),))


FINE = engines()


def findings(folders, *, environ=KEY, open_engines=FINE, **sections):
    """Examine; give the grade and the finding of each subject."""
    found = list(examine(Settings(folders=folders, **sections), environ=environ, open_engines=open_engines))
    return {each.subject: (each.grade, each) for each in found}


def raising(error):
    """Make a service that answers with an error."""

    def ask():
        raise error

    return ask


def test_where_all_is_well_everything_is_named_as_fine(folders):
    """Configuration, ffmpeg, its jail, folders, key and service are looked at in turn; the key is not shown."""
    found = findings(folders)

    assert list(found) == ["configuration", "ffmpeg", "decoder", "folders", "key", "service"]
    assert {grade for grade, _ in found.values()} == {Grade.FINE}
    assert not any("0123456789abcdef" in each.what for _, each in found.values())


def test_what_the_kernel_does_not_offer_is_a_warning(folders, monkeypatch):
    """A jail with a layer less is told with the kernel's reason, and is no reason not to start."""
    jail = Jail(layers=("seccomp", "limits"), absent=("landlock: Function not implemented",))
    monkeypatch.setattr(Keeper, "jail", jail)
    told = [
        (found.grade, found.what)
        for found in examine(Settings(folders=folders), environ=KEY, open_engines=FINE)
        if found.subject == "decoder"
    ]

    assert told == [
        (Grade.FINE, "jailed: seccomp, limits"),
        (Grade.WARNING, "the kernel does not offer landlock: Function not implemented"),
    ]


def test_without_a_key_the_service_is_not_asked(folders):
    """A missing key is broken, with where to put it."""
    found = findings(folders, environ={}, open_engines=lambda: pytest.fail("asked"))

    assert found["key"][0] is Grade.BROKEN
    assert "MISTRAL_API_KEY" in found["key"][1].what
    assert "service" not in found


@pytest.mark.parametrize(
    ("error", "subject", "grade"),
    [
        (ApiDenied("the service does not offer the model", hint="choose another"), "service", Grade.BROKEN),
        (ApiUnreachable("no answer from api.mistral.ai: it refuses connections"), "service", Grade.WARNING),
    ],
)
def test_what_the_service_says_is_graded(folders, error, subject, grade):
    """A refusal is broken, an absence only a warning: the daemon would wait for it. Each says what to do."""
    found = findings(folders, open_engines=engines(Asked(check=raising(error))))

    assert found[subject][0] is grade
    assert found[subject][1].what == error.message
    assert found[subject][1].hint


def test_a_ledger_that_cannot_be_opened_is_broken(folders):
    """What keeps the engines from being made is told in place of what they would say."""
    found = findings(folders, open_engines=raising(StoreError("the ledger is damaged", hint="move it away")))

    assert (found["state"][0], found["state"][1].what) == (Grade.BROKEN, "the ledger is damaged")
    assert "service" not in found


def test_every_engine_is_asked_and_its_warnings_are_told(folders):
    """A rule's engine is looked at like the general one; a model that ends soon is a warning."""
    asked = engines(Asked(), Asked(check=lambda: "fine too", warnings=("it ends in March",)))

    found = list(examine(Settings(folders=folders), environ=KEY, open_engines=asked))

    assert [each.what for each in found if each.subject == "service"] == ["fine", "fine too"]
    assert [(each.grade, each.what) for each in found if each.subject == "model"] == [
        (Grade.WARNING, "it ends in March")
    ]


def test_an_unknown_price_is_a_warning_where_spending_is_limited(folders):
    """What a limit cannot count is said, and without a limit it does not matter."""
    limited = {"limits": LimitSettings(max_cost_per_day=1)}
    asked = engines(Asked(price=None))

    assert "model" not in findings(folders, open_engines=asked)
    assert findings(folders, open_engines=asked, **limited)["model"][0] is Grade.WARNING
    assert "model" not in findings(folders, open_engines=engines(Asked(price=0.1)), **limited)


def test_a_retired_model_is_told_once(folders):
    """What the check refuses for is not repeated as a warning."""
    denial = ApiDenied("the model was taken away", hint="choose another")
    asked = engines(Asked(check=raising(denial), warnings=("the model was taken away; choose another",)))

    found = list(examine(Settings(folders=folders), environ=KEY, open_engines=asked))

    assert [each.subject for each in found if each.grade is not Grade.FINE] == ["service"]


def test_a_folder_that_cannot_be_used_is_broken(folders):
    """A file in a folder's place is named."""
    folders.outbox.write_bytes(b"")

    grade, finding = findings(folders)["folders"]

    assert grade is Grade.BROKEN
    assert str(folders.outbox) in finding.what
    assert finding.hint


def test_an_ffmpeg_that_does_not_run_is_broken(folders, tmp_path):
    """A wrong path in the configuration is found before a recording needs it."""
    grade, finding = findings(folders, audio=AudioSettings(ffmpeg=tmp_path / "no-ffmpeg"))["ffmpeg"]

    assert grade is Grade.BROKEN
    assert "no-ffmpeg" in finding.what


def test_a_rules_missing_key_is_found(folders):
    """A key that only a rule's engine would need is missed before a recording needs it."""
    rule = Rule(match="a", engine=EngineSettings(base_url="https://proxy.example"))
    settings = Settings(folders=folders, rules=(rule,))

    found = {finding.subject: finding for finding in examine(settings, environ=KEY, open_engines=engines())}

    assert found["key"].grade is Grade.BROKEN
    assert "the rule's engine.api_key_file" in found["key"].what


def test_an_engine_on_this_machine_needs_no_key(folders):
    """Where nobody is asked, no key is missed."""
    settings = Settings(folders=folders, engine=EngineSettings(kind="local"))

    found = {finding.subject: finding for finding in examine(settings, environ={}, open_engines=engines())}

    assert (found["key"].grade, found["service"].what) == (Grade.FINE, "fine")


def test_a_dubious_setting_is_a_warning(folders):
    """What is allowed and worth a second look comes first, and does not keep the rest from being looked at."""
    settings = Settings(folders=folders, engine=EngineSettings(base_url="http://api.example.org"))

    found = list(examine(settings, environ=KEY, open_engines=engines()))

    assert (found[0].grade, found[0].subject) == (Grade.WARNING, "configuration")
    assert "unencrypted" in found[0].what
    assert found[-1].subject == "service"
