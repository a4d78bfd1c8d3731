"""What the driver says: one JSON object a line on stdout, nothing else there.

Every line has "event" and "t", seconds on the monotonic clock since the driver
started. Several threads speak (the core calls back from its own), so a lock
keeps lines whole.
"""

import json
import sys
import threading
import time

_started = time.monotonic()
_lock = threading.Lock()


class DriverError(Exception):
    """Something the driver was asked for and did not get; ends it with status 2."""


def now():
    """Seconds since the driver started."""
    return time.monotonic() - _started


def say(event, **fields):
    """Prints one event. A reader that has gone is no reason to crash."""
    line = json.dumps({"event": event, "t": round(now(), 6), **fields})
    with _lock:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            pass
