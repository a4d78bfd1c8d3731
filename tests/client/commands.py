"""What the driver obeys while it streams: one JSON object a line on stdin.

`{"do": "key", "code": 65, "id": 7}` is answered by an event `done` with the
same id, or by `refused` with a reason. Waiting commands take `timeout` in
seconds. Codes are Windows virtual keys as on a US keyboard, as in the protocol.
"""

import json
import time

from events import say

_DOWN, _UP = 3, 4
_BUTTON_DOWN, _BUTTON_UP = 7, 8
_BUTTONS = {"left": 1, "middle": 2, "right": 3, "side": 4, "extra": 5}
_SHIFT = 0xA0

# Characters of a US keyboard beside letters, digits and blanks: (key, shifted).
_SIGNS = {
    "\n": (0x0D, False), "\t": (0x09, False), " ": (0x20, False), "\b": (0x08, False),
    ";": (0xBA, False), ":": (0xBA, True), "=": (0xBB, False), "+": (0xBB, True),
    ",": (0xBC, False), "<": (0xBC, True), "-": (0xBD, False), "_": (0xBD, True),
    ".": (0xBE, False), ">": (0xBE, True), "/": (0xBF, False), "?": (0xBF, True),
    "`": (0xC0, False), "~": (0xC0, True), "[": (0xDB, False), "{": (0xDB, True),
    "\\": (0xDC, False), "|": (0xDC, True), "]": (0xDD, False), "}": (0xDD, True),
    "'": (0xDE, False), '"': (0xDE, True),
    **{sign: (0x30 + digit, True) for digit, sign in enumerate(")!@#$%^&*(")},
}


class Refusal(Exception):
    """A command that could not be done."""


def virtual_key(character):
    """Virtual key and whether Shift is held, for one ASCII character."""
    if character.isascii() and character.isalnum():
        return ord(character.upper()), character.isupper()
    if character in _SIGNS:
        return _SIGNS[character]
    raise Refusal(f"no key for {character!r}")


class Commands:
    """Commands for a running connection."""

    def __init__(self, connection, recording):
        self.connection = connection
        self.recording = recording
        self.core = connection.core
        self.lib = connection.core.lib
        self.over = None  # "stop" or "quit" once one of them was asked for

    def obey(self, line):
        """Does one command and answers it."""
        order = {}
        try:
            order = json.loads(line)
            method = getattr(self, "do_" + order["do"].replace("-", "_"), None)
            if method is None:
                raise Refusal(f"no such command: {order['do']}")
            answer = method(**{k: v for k, v in order.items() if k not in ("do", "id")})
            say("done", id=order.get("id"), do=order["do"], **(answer or {}))
        except (Refusal, ValueError, TypeError, KeyError, AttributeError) as error:
            name = order.get("do") if isinstance(order, dict) else None
            say("refused", id=order.get("id") if isinstance(order, dict) else None, do=name, text=str(error))

    def _sent(self, result):
        if result != 0:
            raise Refusal(f"the core answered {result}")

    # Keyboard

    def do_key(self, code, action="press", modifiers=0, flags=0):
        """One key: down, up or press (both)."""
        for one in self._actions(action, _DOWN, _UP):
            # 0x8000 marks a normalised code, as every client sends it.
            signed = (0x8000 | code) - 0x10000
            self._sent(self.lib.LiSendKeyboardEvent2(signed, self._char(one), self._char(modifiers), self._char(flags)))

    def do_type(self, text, pause=0.005):
        """ASCII text by key events."""
        for character in text:
            code, shifted = virtual_key(character)
            if shifted:
                self.do_key(_SHIFT, "down", 1)
            self.do_key(code, "press", 1 if shifted else 0)
            if shifted:
                self.do_key(_SHIFT, "up")
            time.sleep(pause)  # keeps below the core's queue of input events

    def do_text(self, text):
        """UTF-8 text as such."""
        data = text.encode()
        self._sent(self.lib.LiSendUtf8TextEvent(data, len(data)))

    # Mouse

    def do_move(self, dx, dy):
        """Relative motion."""
        self._sent(self.lib.LiSendMouseMoveEvent(dx, dy))

    def do_move_to(self, x, y, width, height):
        """Absolute position in a picture of the given size."""
        self._sent(self.lib.LiSendMousePositionEvent(x, y, width, height))

    def do_button(self, button="left", action="press"):
        """One mouse button."""
        for one in self._actions(action, _BUTTON_DOWN, _BUTTON_UP):
            self._sent(self.lib.LiSendMouseButtonEvent(self._char(one), _BUTTONS[button]))

    def do_scroll(self, amount):
        """Vertical wheel; 120 is a notch away from the user."""
        self._sent(self.lib.LiSendHighResScrollEvent(amount))

    def do_hscroll(self, amount):
        """Horizontal wheel; 120 is a notch to the right."""
        self._sent(self.lib.LiSendHighResHScrollEvent(amount))

    # Other devices

    def do_pad_arrives(self, number=0, mask=1, type=1, buttons=0xFFFF, capabilities=3):
        """A gamepad is plugged in."""
        self._sent(self.lib.LiSendControllerArrivalEvent(number, mask, type, buttons, capabilities))

    def do_pad(self, number=0, mask=1, buttons=0, left_trigger=0, right_trigger=0, left=(0, 0), right=(0, 0)):
        """State of a gamepad; a mask without its bit unplugs it."""
        self._sent(self.lib.LiSendMultiControllerEvent(
            number, mask, buttons, left_trigger, right_trigger, *left, *right))

    def do_touch(self, event, pointer, x, y, pressure=1.0):
        """One finger."""
        self._sent(self.lib.LiSendTouchEvent(event, pointer, x, y, pressure, 0.0, 0.0, 0xFFFF))

    def do_pen(self, event, x, y, tool=1, buttons=0, pressure=1.0):
        """The pen."""
        self._sent(self.lib.LiSendPenEvent(event, tool, buttons, x, y, pressure, 0.0, 0.0, 0xFFFF, 0xFF))

    # Looking

    def do_stats(self):
        """Counters of recording and core."""
        self.recording.flush()
        return self.statistics()

    def do_reset_gap(self):
        """Measures `longest_gap_s` from here on."""
        self.recording.reset_gap()

    def do_mark(self, name=""):
        """Where the recording is now."""
        self.recording.flush()
        with self.recording.changed:
            return {"name": name, "frames": self.recording.frames, "last_number": self.recording.last_number,
                    "video_bytes": self.recording.video_bytes, "audio_packets": self.recording.audio_packets}

    def do_request_idr(self):
        """Has the core ask the host for an IDR frame."""
        self.lib.LiRequestIdrFrame()

    def do_wait_idr(self, timeout=10.0):
        """Waits for an IDR frame that has not arrived yet."""
        seen = self.recording.idr_frames
        return self._wait(lambda: self.recording.idr_frames > seen, timeout, "IDR frame")

    def do_wait_frames(self, count, timeout=10.0):
        """Waits for that many more frames."""
        until = self.recording.frames + count
        return self._wait(lambda: self.recording.frames >= until, timeout, f"{count} frames")

    def do_wait_audio(self, packets, timeout=10.0):
        """Waits for that many more Opus packets."""
        until = self.recording.audio_packets + packets
        return self._wait(lambda: self.recording.audio_packets >= until, timeout, f"{packets} Opus packets")

    def do_wait_end(self, timeout=10.0):
        """Waits until the host ends the stream."""
        if not self.connection.ended.wait(timeout):
            raise Refusal(f"the stream did not end within {timeout} s")
        return {"code": self.connection.end_code}

    # Ending

    def do_stop(self):
        """Disconnects; the app stays, for `resume`."""
        self.over = "stop"

    def do_quit(self):
        """Disconnects and cancels the app."""
        self.over = "quit"

    def statistics(self):
        """Recording, packet counters and round trip in one."""
        return {**self.recording.summary(), "packets": self.core.counters(), "round_trip": self.core.round_trip()}

    def _wait(self, condition, timeout, what):
        begin = time.monotonic()
        arrived = self.recording.wait(lambda: condition() or self.connection.ended.is_set(), timeout)
        if not condition():
            why = f"the stream ended with {self.connection.end_code}" if arrived else f"{timeout} s passed"
            raise Refusal(f"waiting for {what}: {why}")
        self.recording.flush()
        return {"waited_s": round(time.monotonic() - begin, 6), "frames": self.recording.frames}

    def _actions(self, action, down, up):
        known = {"down": [down], "up": [up], "press": [down, up]}
        if action not in known:
            raise Refusal(f"action is one of {sorted(known)}, not {action}")
        return known[action]

    def _char(self, value):
        # Numbers for C's char, which cffi takes as bytes of length one.
        return bytes([value & 0xFF])
