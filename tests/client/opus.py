"""From recorded Opus packets to a WAV file, by libopus through ctypes.

libopus.so.0 comes with the system's ffmpeg and sound server. A lost packet is
concealed as the client's decoder would, so that a gap is heard as one.
"""

import ctypes
import json
import struct
import wave

from events import DriverError


def decode(recording, wav_path):
    """Decodes a file that `Recording` wrote; says how much there was."""
    with open(recording, "rb") as file:
        head = file.readline()
        packets = list(_packets(file))
    if not head:
        raise DriverError(f"{recording} is empty: no audio was negotiated")
    layout = json.loads(head)
    decoder = _Decoder(layout)
    with wave.open(str(wav_path), "wb") as out:
        out.setnchannels(layout["channels"])
        out.setsampwidth(2)
        out.setframerate(layout["sample_rate"])
        for packet in packets:
            out.writeframes(decoder.decode(packet))
    lost = sum(1 for packet in packets if not packet)
    seconds = len(packets) * layout["samples_per_packet"] / layout["sample_rate"]
    return {"packets": len(packets) - lost, "lost": lost, "seconds": round(seconds, 6), "layout": layout}


def _packets(file):
    while header := file.read(4):
        if len(header) < 4:
            return  # the recorder was killed in mid-write
        (length,) = struct.unpack("<I", header)
        data = file.read(length)
        if len(data) < length:
            return
        yield data


class _Decoder:
    def __init__(self, layout):
        try:
            self._opus = ctypes.CDLL("libopus.so.0")
        except OSError as error:
            raise DriverError(f"libopus is missing ({error}): install libopus0") from error
        self._frames = layout["samples_per_packet"]
        self._channels = layout["channels"]
        create = self._opus.opus_multistream_decoder_create
        create.restype = ctypes.c_void_p
        status = ctypes.c_int()
        mapping = bytes(layout["mapping"])
        self._state = create(
            layout["sample_rate"], self._channels, layout["streams"], layout["coupled"], mapping, ctypes.byref(status))
        if not self._state:
            raise DriverError(f"libopus does not take the layout {layout}: error {status.value}")
        self._pcm = (ctypes.c_int16 * (self._frames * self._channels))()

    def decode(self, packet):
        """Interleaved 16-bit samples of one packet; concealment for b""."""
        count = self._opus.opus_multistream_decode(
            ctypes.c_void_p(self._state), packet or None, len(packet), self._pcm, self._frames, 0)
        if count < 0:
            raise DriverError(f"libopus cannot decode a packet of {len(packet)} bytes: error {count}")
        return bytes(memoryview(self._pcm).cast("B")[: count * self._channels * 2])

    def __del__(self):
        if getattr(self, "_state", None):
            self._opus.opus_multistream_decoder_destroy(ctypes.c_void_p(self._state))
