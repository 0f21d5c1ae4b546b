"""Tone-coded speech: recordings whose every word can be read back exactly, with its time.

    from tests.sound.speech import PlacedWord, compose, give_voices, speak, write_wav
    from tests.sound.hearing import BROKEN, hear
    from tests.sound.formats import FORMATS, convert

    words = compose(60_000, seed=1)                      # what is said, and when
    words = give_voices(words, [0, 0, 1])                # optional: by whom each sentence is said
    samples = speak(words, 60_000)                       # int16, mono, 16 kHz
    write_wav(tmp_path / "a.wav", samples, 16_000)
    FORMATS["mp3-cbr"].write(tmp_path / "a.wav", tmp_path / "a")   # -> tmp_path / "a.mp3"
    hear(samples, 16_000)                                # the same words, each start within 15 ms

A word that was cut, damaged or overlaid is heard as `BROKEN` with its time: never as another word, never as
nothing.
"""
