"""How long it takes to say something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrald.transcript.pacing import usual_ms

# The same article of the Universal Declaration of Human Rights, which people need about the same time to read aloud.
SAME = {
    "en": "All human beings are born free and equal in dignity and rights.",
    "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren.",
    "lv": "Visi cilvēki piedzimst brīvi un vienlīdzīgi savā pašcieņā un tiesībās.",
    "ru": "Все люди рождаются свободными и равными в своем достоинстве и правах.",  # noqa: RUF001 - it is Cyrillic
    "zh": "人人生而自由,在尊严和权利上一律平等。",
    "ja": "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。",
    "ko": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
    "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
    "th": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.",
}


@pytest.mark.parametrize("language", SAME)
def test_a_sentence_takes_about_as_long_in_every_script(language):
    """Letters, syllables and signs are weighed so that no script seems hasty or slow."""
    assert 2_500 <= usual_ms(SAME[language]) <= 8_000


@given(st.text(), st.text())
def test_texts_add_up(left, right):
    """Two texts take as long as each of them, to a rounded millisecond."""
    assert usual_ms(left + right) == pytest.approx(usual_ms(left) + usual_ms(right), abs=2)


@pytest.mark.parametrize("text", ["", "…", " \n", "?! —"])
def test_what_is_not_said_takes_no_time(text):
    """Blanks and punctuation are silent."""
    assert usual_ms(text) == 0


def test_numbers_are_said_as_words():
    """A digit takes as long as a short word."""
    assert usual_ms("1984") > usual_ms("four")
