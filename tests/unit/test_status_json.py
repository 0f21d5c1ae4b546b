"""What `voxtrald status --json` promises to scripts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import jsonschema
import pytest

from tests.overviews import BEAT, CAP, NOTHING, NOW, job, paid, shut
from voxtrald.cli.status import json_text
from voxtrald.dispatch.spending import Standing
from voxtrald.service.accounts import Accounts
from voxtrald.service.overview import Funds, Working
from voxtrald.service.recounting import MOST_NAMED, recount, recount_accounts
from voxtrald.store.jobs import ENDED, JobState
from voxtrald.store.ledger_spend import DaySum

SCHEMA = json.loads(files("voxtrald.service").joinpath("status.schema.json").read_text("utf-8"))
ACCOUNTS = {"$ref": "#/$defs/accounts", "$defs": SCHEMA["$defs"]}
BUSY = replace(
    NOTHING,
    daemon_pid=7,
    daemon=BEAT,
    gates=(shut("held", "no key"), shut("open", "")),
    waiting=tuple(f"{number}.wav" for number in range(12)),
    waiting_since=NOW - timedelta(minutes=2),
    working=(Working(job=job(), remaining_s=150.04), Working(job=job("new.wav"))),
    interrupted=(job("cut.wav"),),
    deferred=(job("big.wav", state=JobState.DEFERRED, reason="budget", detail="would pass"),),
    failed=(job("bad.wav", state=JobState.FAILED, reason="no_audio"),) * 12,
    done=(
        job("old.wav", state=JobState.DONE, outputs=("old.txt",)),
        job("gap.wav", state=JobState.PARTIAL, reason="incomplete", detail="12:00-16:00", outputs=("gap.txt",)),
    ),
    counts=dict.fromkeys(JobState, 3),
    ended_today=dict.fromkeys(ENDED, 2),
    today=(paid(),),
    month=(paid(currency="EUR"), paid()),
    funds=(Funds(standing=Standing(cap=replace(CAP, rule="lv/**"), spent=4.98), currency="USD"),),
)


def check(values, schema):
    """Write and read the values, and hold them against the schema."""
    read = json.loads(json_text(values))
    jsonschema.validate(
        read, schema, cls=jsonschema.Draft202012Validator, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    return read


def test_the_schema_is_one():
    """Validators take it."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("overview", [NOTHING, BUSY])
def test_the_state_of_the_work_satisfies_its_schema(overview):
    """An empty house and a busy one are described by the published schema, which allows no other names."""
    assert set(check(recount(overview), SCHEMA)) == set(SCHEMA["properties"])


def test_what_a_script_looks_for_is_there():
    """Counts are of all, lists are short, and each hold has its reason."""
    read = check(recount(BUSY), SCHEMA)

    assert read["daemon"] == {"running": True, "pid": 7, "started_at": "2026-11-23T12:00:00+00:00", "silent_s": 0.0}
    assert [each["remaining_s"] for each in read["running"]] == [150.0, None]
    assert read["running"][0]["chunks"] == {"done": 3, "reused": 0, "total": 8}
    assert (read["waiting"]["count"], read["waiting"]["oldest_s"]) == (13, 120.0)
    assert [len(read["waiting"]["first"]), len(read["failed"]["latest"])] == [MOST_NAMED, MOST_NAMED]
    assert [each["state"] for each in read["held"]["services"]] == ["held", "outage"]
    assert [each["reason"] for each in read["held"]["recordings"]] == ["budget"]
    assert [(read[name]["count"], read[name]["today"]) for name in ("done", "partial", "failed")] == [
        (6, 4),
        (3, 2),
        (3, 2),
    ]
    assert [each["recording"] for each in read["done"]["latest"]] == ["old.wav", "gap.wav"]
    assert [each["detail"] for each in read["partial"]["latest"]] == ["12:00-16:00"]
    assert read["spend"]["limits"][0] == {
        "limit": "limits.max_cost_per_day",
        "rule": "lv/**",
        "currency": "USD",
        "amount": 5.0,
        "spent": 4.98,
        "until": "2026-11-24T00:00:00+00:00",
    }


def test_a_name_that_is_no_utf8_is_still_ascii_json():
    """Its bytes come as Python carries them, so that the very file can be found again."""
    text = json_text(recount(replace(NOTHING, waiting=("b\udcff.wav",))))

    assert text.isascii()
    assert json.loads(text)["waiting"]["first"] == ["b\udcff.wav"]


@pytest.mark.parametrize("is_empty", [True, False])
def test_what_was_paid_satisfies_its_schema(is_empty):
    """Days and folders, or none."""
    accounts = Accounts(now=datetime(2026, 11, 23, tzinfo=UTC), since=date(2026, 10, 24))
    day = DaySum(day=date(2026, 11, 23), currency="USD", audio_s=60.0, cost=0.5, answers=1)
    read = check(
        recount_accounts(accounts if is_empty else replace(accounts, days=(day,), folders=(paid("lv"),))), ACCOUNTS
    )

    assert [each["day"] for each in read["days"]] == ([] if is_empty else ["2026-11-23"])
    assert [each["folder"] for each in read["folders"]] == ([] if is_empty else ["lv"])
