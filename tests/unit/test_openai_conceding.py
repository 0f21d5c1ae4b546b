"""Doing without what is refused by name."""

from dataclasses import dataclass, field, replace

import pytest

from voxtrald.engines.http.conceding import Concessions
from voxtrald.errors import ApiBusy, ApiRefused
from voxtrald.transcript.model import Answer


@dataclass(frozen=True)
class Plan:
    """A request with parameters that may be refused."""

    optional: dict = field(default_factory=lambda: {"language": "lv", "prompt": "x"})
    dropped: tuple = ()

    def without(self, refused):
        """Leave out."""
        gone = tuple(name for name in self.optional if name in refused)
        kept = {name: value for name, value in self.optional.items() if name not in gone}
        return replace(self, optional=kept, dropped=(*self.dropped, *gone))


def refusing(*refused, sent):
    """A far side that refuses parameters, one at a time, and notes what it was sent."""

    def send(plan):
        sent.append(tuple(plan.optional))
        for name in refused:
            if name in plan.optional:
                raise ApiRefused("no", parameter=name)
        return Answer(text="a", dropped=("more",))

    return send


def test_each_refused_parameter_is_left_out_at_once_and_for_good():
    """The request is repeated within the attempt, the answer tells all, and later requests begin leaner."""
    sent = []
    concessions = Concessions(model="m")

    first = concessions.ask(Plan(), refusing("language", "prompt", sent=sent))
    second = concessions.ask(Plan(), refusing("language", "prompt", sent=sent))

    assert sent == [("language", "prompt"), ("prompt",), (), ()]
    assert first.dropped == second.dropped == ("language", "prompt", "more")


@pytest.mark.parametrize("error", [ApiRefused("no"), ApiRefused("no", parameter="file"), ApiBusy("later")])
def test_other_failures_are_passed_on(error):
    """What names no parameter of this request is not answered by sending it again."""
    sent = []

    def send(plan):
        sent.append(plan)
        raise error

    with pytest.raises(type(error)):
        Concessions(model="m").ask(Plan(), send)

    assert len(sent) == 1
