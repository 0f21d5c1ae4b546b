"""Fetch the weights that tests with a real recogniser need, into the user's cache.

python -m tests.speech.fetch
"""

from __future__ import annotations

import os
import sys

from voxtrald.demonstration.patience import Patience
from voxtrald.demonstration.trouble import DemoFailed
from voxtrald.demonstration.weights import TINY_EN, cache_folder, obtain

if __name__ == "__main__":
    try:
        print(obtain(TINY_EN, cache=cache_folder(os.environ), patience=Patience(), say=print))
    except DemoFailed as error:
        sys.exit(error.message)
