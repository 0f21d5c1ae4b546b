"""What may be read by everybody who reads logs."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.redacting import GONE, excerpt, mask, redact

SIGNED = "https://store.blob.core.windows.net/files/a1?sv=2026-01-01&se=2026-11-24&sig=aB3%2Fx9"

words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30)
values = st.text("abcdefghijkXYZ0123456789%+-._~", min_size=8, max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"not from '{SIGNED}'", "not from 'https://store.blob.core.windows.net/files/a1?<redacted>'"),
        ("too many: /v1/x/url?expiry=24 (Caused by it)", "too many: /v1/x/url?<redacted> (Caused by it)"),
        ("https://user:pa55@example.org/x", "https://<redacted>@example.org/x"),
        ("Authorization: Bearer abc123def", "Authorization: <redacted>"),
        ('{"api_key": "abc123"}', '{"api_key": "<redacted>"}'),
        ("key 0123456789abcdef0123456789abcdef refused", "key <redacted> refused"),
    ],
)  # fmt: skip
def test_secrets_are_taken_out(text, expected):
    """Queries, users, credentials and long random runs are replaced, the rest of the sentence stays."""
    redacted = redact(text)

    assert redacted == expected


@pytest.mark.parametrize(
    "text",
    [
        "Invalid model: voxtral-mini-transcribe-realtime-2602",
        "File 497f6eca-6276-4993-bfeb-53cbbbba6f09 not found. Is it there?",
        "Audio input could not be decoded. ",
        "see https://docs.mistral.ai/studio/audio/specs-and-limits/audio-formats for formats",
        "Invalid API Key",
        "Service tier capacity exceeded for this model.",
    ],
)
def test_what_helps_a_reader_stays(text):
    """Model names, file ids and plain sentences are not mistaken for secrets."""
    assert redact(text) == text


def test_a_known_secret_goes_whatever_it_looks_like():
    """A secret that looks like a word is found because it was named."""
    assert redact("key correcthorse was refused", secrets=["correcthorse"]) == f"key {GONE} was refused"


@pytest.mark.parametrize(
    "name",
    ["tape#3/talk.m4a", "password 2024.mp3", "why? a=b.wav", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c.mp3"],
)
def test_names_of_recordings_are_not_masked(name):
    """What we write ourselves is suspected of less: a recording may be called anything."""
    assert mask(name, secrets=()) == name


@given(before=words, value=values, after=words)
def test_no_query_leaves(before, value, after):
    """Whatever stands around an address, its query's values are gone."""
    text = f"{before} https://host.example/path?sig=Q{value}Q&x=1 {after}"

    assert f"Q{value}Q" not in redact(text)


@given(raw=st.binary(min_size=40, max_size=200), before=words)
def test_no_base64_leaves(raw, before):
    """Long base64 of either alphabet is gone, apart from what is shorter than a word."""
    for coded in (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        redacted = redact(f"{before} {coded}")

        assert coded not in redacted or _is_dull(coded)


@given(text=st.text(max_size=300) | st.just(f"x {SIGNED} y"))
def test_redacting_twice_changes_nothing_more(text):
    """A redacted text is its own redaction."""
    once = redact(text)

    assert redact(once) == once


@given(text=st.text(max_size=2000))
def test_an_excerpt_is_one_short_line(text):
    """An excerpt is printable, on one line and at most 300 characters long."""
    shown = excerpt(text)

    assert len(shown) <= 300
    assert shown.isprintable()


def _is_dull(coded):
    return len(set(coded)) < 12
