"""The whole configuration as one frozen value, and the part of it that concerns one recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from voxtrald.config.engine import EngineSettings
from voxtrald.config.matching import matches, pattern_fault
from voxtrald.config.operating import MetricsSettings, NotifySettings
from voxtrald.config.permitting import RuleSidecarSettings, SidecarSettings
from voxtrald.config.sections import (
    AudioSettings,
    ChunkSettings,
    DispatchSettings,
    FolderSettings,
    InspectSettings,
    LimitSettings,
    LoggingSettings,
    OutputSettings,
    RetrySettings,
    RuleLimitSettings,
    WatchSettings,
    WebSettings,
)
from voxtrald.config.shape import Section, refusal


def _usable_pattern(value: str) -> str:
    fault = pattern_fault(value)
    if fault:
        raise refusal(fault, hint="such as lv/** or **/*.m4a")
    return value


class Rule(Section):
    """Other settings for some recordings: the first rule that matches counts."""

    match: Annotated[str, AfterValidator(_usable_pattern)]
    """Path inside the inbox, with `*` within one folder, `**` over folders, `?` and `[abc]`; case matters."""

    engine: EngineSettings | None = None
    """The keys of `engine` that differ."""

    audio: AudioSettings | None = None
    """The keys of `audio` that differ."""

    chunks: ChunkSettings | None = None
    """The keys of `chunks` that differ."""

    retry: RetrySettings | None = None
    """The keys of `retry` that differ."""

    inspect: InspectSettings | None = None
    """The keys of `inspect` that differ."""

    limits: RuleLimitSettings | None = None
    """What this rule's recordings may cost, beside what all of them may."""

    output: OutputSettings | None = None
    """The keys of `output` that differ."""

    notify: NotifySettings | None = None
    """The keys of `notify` that differ."""

    sidecars: RuleSidecarSettings | None = None
    """What files beside this rule's recordings may choose, in place of what they may choose elsewhere."""


class Keys(Section):
    """Everything that may be written into the configuration file."""

    folders: FolderSettings = FolderSettings()
    watch: WatchSettings = WatchSettings()
    engine: EngineSettings = EngineSettings()
    audio: AudioSettings = AudioSettings()
    chunks: ChunkSettings = ChunkSettings()
    retry: RetrySettings = RetrySettings()
    inspect: InspectSettings = InspectSettings()
    limits: LimitSettings = LimitSettings()
    output: OutputSettings = OutputSettings()
    sidecars: SidecarSettings = SidecarSettings()

    rules: tuple[Rule, ...] = Field(default=(), examples=[[{"match": "lv/**", "engine": {"language": "lv"}}]])
    """Other settings for some recordings, by their path inside the inbox. The first rule that matches
    counts. A rule may hold keys of engine, audio, chunks, retry, inspect, output and notify; keys it leaves out keep
    their value from above. Its limits may hold max_cost_per_day and max_cost_per_month, for its own
    recordings; its sidecars say what files beside its recordings may choose. Where a rule's engine is of
    another kind or at another address, base_url, model, server,
    api_key_file and speaker_references are not taken over: a key stays with its own service."""

    dispatch: DispatchSettings = DispatchSettings()
    notify: NotifySettings = NotifySettings()
    web: WebSettings = WebSettings()
    metrics: MetricsSettings = MetricsSettings()
    logging: LoggingSettings = LoggingSettings()

    stop_grace_s: Annotated[float, Field(strict=True, ge=0, le=3600)] = 20
    """Seconds that work in hand gets to come to a good end when the program is told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """The sections that a rule may change, as they are for one recording.

    Attributes:
        rule: the pattern of the rule that matched, or empty.
        heeds_sidecars: whether files beside the recording count.
        choices: the engines that such files may choose, by name, besides the one the recording has.
    """

    engine: EngineSettings
    audio: AudioSettings
    chunks: ChunkSettings
    retry: RetrySettings
    inspect: InspectSettings
    output: OutputSettings
    notify: NotifySettings
    rule: str = ""
    heeds_sidecars: bool = False
    choices: Mapping[str, EngineSettings] = field(default_factory=dict)


class Settings(Keys):
    """The configuration as the program uses it.

    `load_settings` makes all paths absolute, relative ones from `base`: the folder of the configuration
    file, or the current one where there is no file.
    """

    base: Path = Path()

    @property
    def engines(self) -> tuple[EngineSettings, ...]:
        """The engines that recordings may meet, each once: the one outside of rules first."""
        of_rules = (rule.engine for rule in self.rules if rule.engine is not None)
        return tuple(dict.fromkeys((self.engine, *of_rules, *self.sidecars.engines.values())))

    def for_recording(self, relative: PurePosixPath) -> RecordingSettings:
        """Give the settings for the recording at `relative`, its path inside the inbox."""
        rule = next((rule for rule in self.rules if matches(rule.match, relative)), None)
        pattern = rule.match if rule is not None else ""
        if rule is None:
            rule = _NO_RULE
        permitted = self._permitted(rule)
        return RecordingSettings(
            rule=pattern,
            engine=rule.engine or self.engine,
            audio=rule.audio or self.audio,
            chunks=rule.chunks or self.chunks,
            retry=rule.retry or self.retry,
            inspect=rule.inspect or self.inspect,
            output=rule.output or self.output,
            notify=rule.notify or self.notify,
            heeds_sidecars=(rule.sidecars or self.sidecars).enabled,
            choices={name: self.sidecars.engines[name] for name in permitted},
        )

    def _permitted(self, rule: Rule) -> tuple[str, ...]:
        """Name the engines that sidecars may choose. What a rule keeps here, or with a service, only it lets go."""
        if rule.sidecars is not None:
            return rule.sidecars.engines
        return () if rule.engine is not None and self._is_kept_apart(rule.engine) else tuple(self.sidecars.engines)

    def _is_kept_apart(self, engine: EngineSettings) -> bool:
        is_of_other_account = engine.api_key_file != self.engine.api_key_file
        return engine.kind == "local" or is_of_other_account or not engine.is_of_one_service_with(self.engine)


_NO_RULE = Rule(match="**")

RULE_SECTIONS = tuple(name for name in Rule.model_fields if name != "match")
SECTIONS = tuple(name for name in Keys.model_fields if name not in {"rules", "stop_grace_s"})
