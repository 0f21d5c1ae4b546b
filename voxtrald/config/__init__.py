"""The configuration: one frozen value, made from a YAML file and the environment."""

from voxtrald.config.engine import EngineSettings
from voxtrald.config.example import example_text
from voxtrald.config.loading import (
    changed_needing_restart,
    find_config,
    load_settings,
    setting_warnings,
)
from voxtrald.config.matching import matches
from voxtrald.config.operating import MetricsSettings, NotifySettings, listen_place
from voxtrald.config.overlaying import Layer, Overlaid, overlay
from voxtrald.config.secrets import KEY_NEEDED, find_api_key, require_api_key
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
    WatchSettings,
    WebSettings,
)
from voxtrald.config.settings import RecordingSettings, Rule, Settings
from voxtrald.config.sidecars import Sidecar, read_names, read_sidecar

__all__ = [
    "KEY_NEEDED",
    "AudioSettings",
    "ChunkSettings",
    "DispatchSettings",
    "EngineSettings",
    "FolderSettings",
    "InspectSettings",
    "Layer",
    "LimitSettings",
    "LoggingSettings",
    "MetricsSettings",
    "NotifySettings",
    "OutputSettings",
    "Overlaid",
    "RecordingSettings",
    "RetrySettings",
    "Rule",
    "Settings",
    "Sidecar",
    "WatchSettings",
    "WebSettings",
    "changed_needing_restart",
    "example_text",
    "find_api_key",
    "find_config",
    "listen_place",
    "load_settings",
    "matches",
    "overlay",
    "read_names",
    "read_sidecar",
    "require_api_key",
    "setting_warnings",
]
