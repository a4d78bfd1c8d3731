"""Encodes what the stand-in for NVENC has no encoder for, with FFmpeg's libraries.

usage: encode.py CODEC PIXEL_FORMAT WIDTH HEIGHT PRIMARIES TRANSFER MATRIX FULL_RANGE

Standard input, per frame: a byte, 1 for an IDR frame, then the planes without gaps.
Standard output, per frame: its length in 32 bits, little-endian, then the access unit.
"""

import struct
import sys
from fractions import Fraction

import av
from av.video.frame import PictureType

OPTIONS = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "crf": "18"}),
    "hevc": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "crf": "18",
            # Without a text of two kilobytes: clients look for the picture in the first packet.
            "x265-params": "keyint=-1:scenecut=0:repeat-headers=1:info=0:pools=none:frame-threads=1:log-level=none",
        },
    ),
    "av1": ("libaom-av1", {"usage": "realtime", "cpu-used": "8", "lag-in-frames": "0", "crf": "20"}),
}


def main(codec, pixel_format, width, height, primaries, transfer, matrix, full_range):
    library, options = OPTIONS[codec]
    encoder = av.CodecContext.create(library, "w")
    encoder.width, encoder.height, encoder.pix_fmt = int(width), int(height), pixel_format
    encoder.framerate, encoder.time_base = Fraction(60), Fraction(1, 60)
    # Only what is asked for is an IDR frame.
    encoder.gop_size = 1 << 20
    # Nobody described them: 0 has no meaning, 2 says so.
    primaries, transfer, matrix = (point if point != "0" else "2" for point in (primaries, transfer, matrix))
    colour = {"color_primaries": primaries, "color_trc": transfer, "colorspace": matrix, "color_range": "pc" if full_range == "1" else "tv"}
    encoder.options = options | colour
    number = 0
    while kind := sys.stdin.buffer.read(1):
        frame = av.VideoFrame(encoder.width, encoder.height, pixel_format)
        for plane in frame.planes:
            fill(plane, 2 if "10" in pixel_format else 1)
        frame.pts, frame.time_base = number, encoder.time_base
        frame.pict_type = PictureType.I if kind == b"\1" else PictureType.NONE
        data = b"".join(bytes(packet) for packet in encoder.encode(frame))
        sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)
        sys.stdout.buffer.flush()
        number += 1


def fill(plane, sample):
    row = plane.width * sample
    rows = bytearray(plane.buffer_size)
    for index in range(plane.height):
        start = index * plane.line_size
        rows[start : start + row] = sys.stdin.buffer.read(row)
    plane.update(bytes(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
