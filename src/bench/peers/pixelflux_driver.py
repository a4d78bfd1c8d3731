"""Captures a Wayland screen with pixelflux, and sends what it encodes to a port of this machine.

usage: SCREEN PORT WIDTHxHEIGHT HZ KBPS

`earthshine bench peers` runs it. Packets are RTP with H.264 as RFC 6184 has it: NAL units that
fit go alone, others in fragments (FU-A).
"""

import re
import socket
import struct
import sys
import threading

from pixelflux import CaptureSettings, ScreenCapture

# Bytes behind the RTP header: what FFmpeg has, told pkt_size=1400.
LARGEST = 1388


class Sender:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.sequence = 0
        self.time = 0

    def send(self, frame):
        # No NAL unit has a start code in it, and none ends with a zero.
        nals = [nal.rstrip(b"\0") for nal in re.split(b"\0\0\1", bytes(frame))[1:]]
        self.time += 1500
        for at, nal in enumerate(nals):
            last = at + 1 == len(nals)
            if len(nal) <= LARGEST:
                self.packet(last, b"", nal)
            else:
                self.fragments(last, nal)

    def fragments(self, last, nal):
        step = LARGEST - 2
        indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 31
        for at in range(1, len(nal), step):
            ends = at + step >= len(nal)
            edges = (0x80 if at == 1 else 0) | (0x40 if ends else 0)
            self.packet(last and ends, bytes([indicator, edges | kind]), nal[at : at + step])

    def packet(self, marker, header, payload):
        kind = 96 | (0x80 if marker else 0)
        rtp = struct.pack(">BBHII", 0x80, kind, self.sequence, self.time & 0xFFFFFFFF, 1)
        self.sequence = self.sequence + 1 & 0xFFFF
        self.socket.send(b"".join((rtp, header, payload)))


def settings(screen, size, hz, kbps):
    wanted = CaptureSettings()
    wanted.use_wayland = True
    wanted.wayland_host_display = screen
    wanted.capture_width, wanted.capture_height = (int(side) for side in size.split("x"))
    # The screen's size stays what it is.
    wanted.auto_adjust_screen_capture_size = False
    wanted.target_fps = float(hz)
    # Whole frames without headers of its own, by x264, at a constant bit rate.
    wanted.codec = "h264"
    wanted.video_fullframe = True
    wanted.omit_stripe_headers = True
    wanted.use_cpu = True
    wanted.video_cbr_mode = True
    wanted.video_bitrate_kbps = int(kbps)
    return wanted


def main():
    screen, port, size, hz, kbps = sys.argv[1:]
    sender, capture = Sender(int(port)), ScreenCapture()
    capture.start_capture(sender.send, settings(screen, size, hz, kbps))
    # Until we are killed.
    threading.Event().wait()


main()
