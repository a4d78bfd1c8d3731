"""What came in: every frame and every Opus packet, counted and written down.

Video is written as the elementary stream it is. Audio is written as one JSON
line that says how to decode it, then for each packet its length as u32 LE and
its bytes; length 0 stands for a packet that was lost. Frame records go to a
file of JSON lines.
"""

import json
import struct
import threading

from events import now, say


class Recording:
    """Counts and files; fed by the core's threads, read by the commands."""

    def __init__(self, video=None, audio=None, frames=None):
        self.changed = threading.Condition()
        self.frames = 0
        self.idr_frames = 0
        self.video_bytes = 0
        self.audio_packets = 0
        self.audio_lost = 0
        self.audio_bytes = 0
        self.last_number = 0
        self.first_number = 0
        self.skipped = 0
        self.opus = None
        self._gap = 0.0
        self._last_time = None
        self._latency_sum = 0.0
        self._latency_max = 0.0
        self._video = open(video, "wb") if video else None
        self._audio = open(audio, "wb") if audio else None
        self._frames = open(frames, "w", encoding="ascii") if frames else None

    def opus_opened(self, configuration):
        """The core told us how to decode."""
        self.opus = configuration
        say("audio", **configuration)
        if self._audio:
            self._audio.write(json.dumps(configuration).encode() + b"\n")

    def packet(self, data):
        """One Opus packet, or b"" for a lost one."""
        with self.changed:
            if data:
                self.audio_packets += 1
            else:
                self.audio_lost += 1
            self.audio_bytes += len(data)
            if self._audio:
                self._audio.write(struct.pack("<I", len(data)) + data)
            self.changed.notify_all()

    def frame(self, record, parts):
        """One access unit. `record` holds the core's fields; `parts` its bytes."""
        arrived = now()
        with self.changed:
            idr = record["type"] == 1
            if self.frames == 0:
                self.first_number = record["number"]
                say("first_frame", frame=record["number"], idr=idr, bytes=record["bytes"])
            else:
                self.skipped += max(record["number"] - self.last_number - 1, 0)
                self._gap = max(self._gap, arrived - self._last_time)
            self._last_time = arrived
            self.last_number = record["number"]
            self.frames += 1
            self.idr_frames += idr
            self._latency_sum += record["host_latency_ms"]
            self._latency_max = max(self._latency_max, record["host_latency_ms"])
            if self._frames:
                line = {"t": round(arrived, 6), "index": self.frames - 1, "offset": self.video_bytes, **record}
                self._frames.write(json.dumps(line) + "\n")
            self.video_bytes += record["bytes"]
            if self._video:
                self._video.writelines(parts)
            self.changed.notify_all()

    def wait(self, condition, timeout):
        """Waits until `condition()` holds; false if `timeout` seconds pass first."""
        with self.changed:
            return self.changed.wait_for(condition, timeout)

    def flush(self):
        """Makes what is counted readable in the files."""
        with self.changed:
            for file in (self._video, self._audio, self._frames):
                if file:
                    file.flush()

    def reset_gap(self):
        """Starts the measurement of the longest pause anew."""
        with self.changed:
            self._gap = 0.0

    def summary(self):
        """Everything counted until now."""
        with self.changed:
            frames = max(self.frames, 1)
            return {
                "frames": self.frames,
                "idr_frames": self.idr_frames,
                "first_number": self.first_number,
                "last_number": self.last_number,
                "skipped_frames": self.skipped,
                "video_bytes": self.video_bytes,
                "longest_gap_s": round(self._gap, 6),
                "host_latency_ms": {
                    "mean": round(self._latency_sum / frames, 3),
                    "max": self._latency_max,
                },
                "audio_packets": self.audio_packets,
                "audio_lost": self.audio_lost,
                "audio_bytes": self.audio_bytes,
            }

    def close(self):
        """Closes the files; late calls of the core only count."""
        with self.changed:
            for file in (self._video, self._audio, self._frames):
                if file:
                    file.close()
            self._video = self._audio = self._frames = None
