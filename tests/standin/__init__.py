"""The stand-in for Mistral's API: a real HTTP server on loopback that hears what it is sent.

In a test:

    from tests.standin.server import Standin
    from tests.standin.script import DELETE, LIST, MODELS, SIGN, TRANSCRIBE, UPLOAD
    from tests.standin.faults import (CutJson, EmptyObject, Hang, Hole, Html, Loop, Redirect, Reset,
                                      ResetAfterBytes, ResetDuringBody, Rewrite, ShortBody, SlowBody, Status)

    def test_x(standin):                       # the fixture; or: with Standin(latency=(0.1, 0.0)) as standin:
        standin.url                            # http://127.0.0.1:PORT, the key is "test-key"
        standin.script.add(Status(503), times=2)                      # the next two transcriptions
        standin.script.add(Status(429, retry_after=1), match=UPLOAD, nth=2)
        standin.script.add(Hang())             # until standin.script.release(), once standin.script.hanging
        standin.script.add(Reset("answer"))                           # worked out and paid, then lost
        standin.script.add(Hole(["babab"]))    # without the segments that have this word
        standin.script.add(Status(404, body={"detail": "Not Found"}))
        standin.script.forget_uploads(1)       # the next upload gets an id that no transcription finds (404)
        standin.expire_urls()                  # signed addresses given out so far die
        ...
        standin.requests                       # method, path, status, started_s, ended_s, in_flight,
                                               # bytes_in, fields, filename, sha256
        standin.calls(TRANSCRIBE)              # the requests of one kind
        standin.files                          # uploaded and not deleted
        standin.paid, standin.seconds_paid     # digest -> how often; billed seconds
        standin.max_in_flight, standin.max_transcriptions
        standin.first_byte_at, standin.first_audio_at                 # each (monotonic, wall clock)
        standin.violations                     # must be empty: the fixture checks it when the test ends

`Standin(keys=..., latency=(base_s, per_audio_s), concurrency_cap=..., dedupe=True, max_bytes=...)`; `keys`,
`latency` and `concurrency_cap` may be changed while it runs. A fault's `when` gets a `Call` (form, filename,
sha256, words()).

In a process of its own: `python -m tests.standin --port 0 --latency 1+0.01 --port-file FILE [--cap N]
[--dedupe] [--memory FOLDER]`; then `GET /_standin/stats` gives the counters, `GET /_standin/requests` every
request, and `POST /_standin/script` takes faults as JSON, see `Standin.follow`.

What to send it: see `tests.sound`. It counts speakers anew in each answer, but for those of whom it was sent a clip.
"""
