"""The real client core, libmoonlight-common-c.so, loaded by cffi.

The library comes with the package moonlight-python (GPL-3), installed beside
and never copied. Its struct layouts are read from the installed package at run
time, because they belong to that very build of the library; functions that the
package does not declare are declared here after the library's symbol table and
the public header Limelight.h. It holds its state in globals: one connection a
process.
"""

import ast
import ctypes
import importlib.util
from pathlib import Path

import cffi

from events import DriverError, say

_FUNCTIONS = """
typedef struct { uint32_t media, parity, recovered, failed, out_of_order, invalid, parity_invalid; } RTP_COUNTERS;
const RTP_COUNTERS* LiGetRTPVideoStats(void);
const RTP_COUNTERS* LiGetRTPAudioStats(void);
bool LiGetEstimatedRttInfo(uint32_t* rtt, uint32_t* variance);
uint32_t LiGetHostFeatureFlags(void);
unsigned int LiGetPortFlagsFromStage(int stage);
int LiSendMousePositionEvent(short x, short y, short width, short height);
int LiSendMouseButtonEvent(char action, int button);
int LiSendKeyboardEvent2(short code, char action, char modifiers, char flags);
int LiSendUtf8TextEvent(const char* text, unsigned int length);
int LiSendHighResScrollEvent(short amount);
int LiSendHighResHScrollEvent(short amount);
int LiSendControllerArrivalEvent(uint8_t number, uint16_t mask, uint8_t type, uint32_t buttons, uint16_t capabilities);
int LiSendMultiControllerEvent(short number, short mask, int buttons, unsigned char left_trigger,
    unsigned char right_trigger, short left_x, short left_y, short right_x, short right_y);
int LiSendControllerMotionEvent(uint8_t number, uint8_t type, float x, float y, float z);
int LiSendControllerBatteryEvent(uint8_t number, uint8_t state, uint8_t percent);
int LiSendTouchEvent(uint8_t event, uint32_t pointer, float x, float y, float pressure,
    float major, float minor, uint16_t rotation);
int LiSendPenEvent(uint8_t event, uint8_t tool, uint8_t buttons, float x, float y, float pressure,
    float major, float minor, uint16_t rotation, uint8_t tilt);
"""

COUNTERS = ("media", "parity", "recovered", "failed", "out_of_order", "invalid", "parity_invalid")

# Speakers to channel mask, after the Windows speaker positions.
CHANNEL_MASKS = {2: 0x3, 6: 0x3F, 8: 0x63F}

ENCRYPTION = {"none": 0, "audio": 1, "video": 2, "all": -1}

PULL_RENDERER = 0x20
# Of AVC, HEVC and AV1 decoders, as desktop clients have them.
REFERENCE_INVALIDATION = 0x2 | 0x4 | 0x40
DIRECT_SUBMIT = 0x1
SLOW_OPUS_DECODER = 0x8
ARBITRARY_DURATION = 0x10


class Core:
    """The loaded library, and what must stay alive while it calls back."""

    def __init__(self):
        package = importlib.util.find_spec("moonlight_python")
        if package is None or package.origin is None:
            raise DriverError("moonlight-python is not installed: run tests/client/setup.sh")
        directory = Path(package.origin).parent
        self.ffi = cffi.FFI()
        self.ffi.cdef(_shipped_declarations(directory / "stream.py"))
        self.ffi.cdef(_FUNCTIONS)
        self.lib = self.ffi.dlopen(str(directory / "libmoonlight-common-c.so"))
        self._alive = []

    def text(self, value):
        """A C string that lives as long as the core."""
        buffer = self.ffi.new("char[]", value.encode())
        self._alive.append(buffer)
        return buffer

    def callback(self, signature, function):
        """A C function pointer that lives as long as the core."""
        pointer = self.ffi.callback(signature)(function)
        self._alive.append(pointer)
        return pointer

    def stage_name(self, stage):
        """Name of a connection stage."""
        return self.ffi.string(self.lib.LiGetStageName(stage)).decode()

    def launch_parameters(self):
        """What the core wants added to the launch query, as a dictionary."""
        query = self.ffi.string(self.lib.LiGetLaunchUrlQueryParameters()).decode()
        return dict(part.split("=", 1) for part in query.split("&") if "=" in part)

    def log_callback(self):
        """The core's log as events. It is variadic: on the ABIs this runs on
        (x86-64 and AArch64 Linux) a fixed five-pointer function sees the same
        integer arguments, which is what its formats use."""
        libc = ctypes.CDLL(None)

        @ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_void_p] * 5)
        def log(template, *values):
            line = ctypes.create_string_buffer(1024)
            arguments = [ctypes.c_void_p(value) for value in values]
            libc.snprintf(line, ctypes.c_size_t(1024), ctypes.c_void_p(template), *arguments)
            say("log", text=line.value.decode(errors="replace").rstrip())

        self._alive.append(log)
        address = ctypes.cast(log, ctypes.c_void_p).value
        return self.ffi.cast("void(*)(const char*, ...)", address)

    def counters(self):
        """Packet counters of the core by stream."""
        found = {}
        for name, counters in (("video", self.lib.LiGetRTPVideoStats()), ("audio", self.lib.LiGetRTPAudioStats())):
            found[name] = {field: getattr(counters, field) for field in COUNTERS}
        return found

    def round_trip(self):
        """Round trip time and its variance in milliseconds, or None."""
        rtt, variance = self.ffi.new("uint32_t*"), self.ffi.new("uint32_t*")
        if not self.lib.LiGetEstimatedRttInfo(rtt, variance):
            return None
        return {"rtt_ms": rtt[0], "variance_ms": variance[0]}


def _shipped_declarations(path):
    """The string constant CDEF of the installed package, found without importing it."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CDEF":
            return ast.literal_eval(node.value)
    raise DriverError(f"{path} holds no declarations: another version of moonlight-python?")
