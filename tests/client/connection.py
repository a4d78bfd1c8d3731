"""One connection of the client core: start, frames in, events out, stop.

The core blocks while it connects and calls back from its own threads. Frames
are pulled by a thread here; Opus packets are pushed by the core.
"""

import os
import threading

from core import (
    ARBITRARY_DURATION,
    CHANNEL_MASKS,
    DIRECT_SUBMIT,
    ENCRYPTION,
    PULL_RENDERER,
    REFERENCE_INVALIDATION,
    SLOW_OPUS_DECODER,
    Core,
)
from events import DriverError, say


class Keys:
    """Key and key number of one launch or resume."""

    def __init__(self):
        self.key = os.urandom(16)
        self.number = int.from_bytes(os.urandom(4), "big", signed=True)

    def query(self):
        """As the launch query carries them."""
        return {"rikey": self.key.hex(), "rikeyid": str(self.number)}

    def vector(self):
        """As the core wants the number: the first bytes of an IV."""
        return self.number.to_bytes(4, "big", signed=True) + bytes(12)


class Connection:
    """A stream from start to stop."""

    def __init__(self, core, settings, recording):
        self.core = core
        self.settings = settings
        self.recording = recording
        self.ended = threading.Event()
        self.end_code = None
        self.running = False
        self._puller = None

    def start(self, address, info, session_url, keys):
        """Connects; returns when the core has a control connection, or raises."""
        server = self._server(address, info, session_url)
        stream = self._stream(keys)
        result = self.core.lib.LiStartConnection(
            server, stream, self._listener(), self._video(), self._audio(),
            self.core.ffi.NULL, 0, self.core.ffi.NULL, 0,
        )
        if result != 0:
            raise DriverError(f"LiStartConnection failed with {result}")
        self.running = True
        self._puller = threading.Thread(target=self._pull, name="pull", daemon=True)
        self._puller.start()

    def stop(self):
        """Disconnects in order."""
        self.core.lib.LiWakeWaitForVideoFrame()
        self.core.lib.LiStopConnection()
        if self._puller:
            self._puller.join(5)

    def _server(self, address, info, session_url):
        server = self.core.ffi.new("SERVER_INFORMATION*")
        self.core.lib.LiInitializeServerInformation(server)
        server.address = self.core.text(address)
        server.serverInfoAppVersion = self.core.text(info["appversion"])
        server.serverInfoGfeVersion = self.core.text(info.get("GfeVersion", ""))
        server.serverCodecModeSupport = int(info.get("ServerCodecModeSupport") or 0)
        if session_url:
            server.rtspSessionUrl = self.core.text(session_url)
        return server

    def _stream(self, keys):
        wanted = self.settings
        stream = self.core.ffi.new("STREAM_CONFIGURATION*")
        self.core.lib.LiInitializeStreamConfiguration(stream)
        stream.width, stream.height = wanted.width, wanted.height
        stream.fps = wanted.fps
        stream.clientRefreshRateX100 = wanted.refresh_x100 or wanted.fps * 100
        stream.bitrate = wanted.bitrate
        stream.packetSize = wanted.packet_size
        stream.streamingRemotely = wanted.remote
        stream.supportedVideoFormats = wanted.formats
        stream.colorSpace, stream.colorRange = wanted.color_space, wanted.color_range
        stream.encryptionFlags = ENCRYPTION[wanted.encryption]
        stream.audioConfiguration = (CHANNEL_MASKS[wanted.channels] << 16) | (wanted.channels << 8) | 0xCA
        stream.remoteInputAesKey = keys.key
        stream.remoteInputAesIv = keys.vector()
        return stream

    def _listener(self):
        core, lib = self.core, self.core.lib
        listener = core.ffi.new("CONNECTION_LISTENER_CALLBACKS*")
        lib.LiInitializeConnectionCallbacks(listener)

        def stage(state):
            return core.callback("void(int)", lambda number: say("stage", state=state, stage=core.stage_name(number)))

        def failed(number, code):
            ports = lib.LiGetPortFlagsFromStage(number)
            say("stage", state="failed", stage=core.stage_name(number), code=code, ports=ports)

        listener.stageStarting = stage("starting")
        listener.stageComplete = stage("complete")
        listener.stageFailed = core.callback("void(int, int)", failed)
        listener.connectionStarted = core.callback("void(void)", lambda: say("connection_started"))
        listener.connectionTerminated = core.callback("void(int)", self._terminated)
        listener.connectionStatusUpdate = core.callback(
            "void(int)", lambda status: say("status", status="poor" if status else "okay"))
        listener.setHdrMode = core.callback("void(bool)", lambda on: say("hdr", on=bool(on)))
        listener.rumble = core.callback(
            "void(unsigned short, unsigned short, unsigned short)",
            lambda pad, low, high: say("rumble", pad=pad, low=low, high=high))
        listener.rumbleTriggers = core.callback(
            "void(uint16_t, uint16_t, uint16_t)",
            lambda pad, left, right: say("rumble_triggers", pad=pad, left=left, right=right))
        listener.setMotionEventState = core.callback(
            "void(uint16_t, uint8_t, uint16_t)",
            lambda pad, kind, rate: say("motion_wanted", pad=pad, type=kind, rate_hz=rate))
        listener.setControllerLED = core.callback(
            "void(uint16_t, uint8_t, uint8_t, uint8_t)",
            lambda pad, red, green, blue: say("led", pad=pad, rgb=[red, green, blue]))
        listener.logMessage = core.log_callback()
        return listener

    def _terminated(self, code):
        self.end_code = code
        say("terminated", code=code)
        self.ended.set()
        with self.recording.changed:
            self.recording.changed.notify_all()

    def _video(self):
        callbacks = self.core.ffi.new("DECODER_RENDERER_CALLBACKS*")
        self.core.lib.LiInitializeVideoCallbacks(callbacks)
        callbacks.capabilities = PULL_RENDERER | REFERENCE_INVALIDATION | self.settings.slices << 24
        return callbacks

    def _audio(self):
        core = self.core
        callbacks = core.ffi.new("AUDIO_RENDERER_CALLBACKS*")
        core.lib.LiInitializeAudioCallbacks(callbacks)
        callbacks.capabilities = DIRECT_SUBMIT | ARBITRARY_DURATION
        if self.settings.slow_audio:
            callbacks.capabilities |= SLOW_OPUS_DECODER

        def init(_layout, opus, _context, _flags):
            self.recording.opus_opened({
                "sample_rate": opus.sampleRate,
                "channels": opus.channelCount,
                "streams": opus.streams,
                "coupled": opus.coupledStreams,
                "samples_per_packet": opus.samplesPerFrame,
                "mapping": [opus.mapping[i] for i in range(opus.channelCount)],
            })
            return 0

        def sample(data, length):
            self.recording.packet(bytes(core.ffi.buffer(data, length)) if length > 0 else b"")

        nothing = core.callback("void(void)", lambda: None)
        callbacks.init = core.callback("int(int, OPUS_MULTISTREAM_CONFIGURATION*, void*, int)", init)
        callbacks.decodeAndPlaySample = core.callback("void(char*, int)", sample)
        callbacks.start = callbacks.stop = callbacks.cleanup = nothing
        return callbacks

    def _pull(self):
        ffi, lib = self.core.ffi, self.core.lib
        handle, unit = ffi.new("VIDEO_FRAME_HANDLE*"), ffi.new("DECODE_UNIT**")
        while lib.LiWaitForNextVideoFrame(handle, unit):
            frame = unit[0]
            record = {
                "number": frame.frameNumber,
                "type": frame.frameType,
                "host_latency_ms": frame.frameHostProcessingLatency / 10.0,
                "received_us": frame.receiveTimeUs,
                "enqueued_us": frame.enqueueTimeUs,
                "rtp": frame.rtpTimestamp,
                "bytes": frame.fullLength,
            }
            parts, entry = [], frame.bufferList
            while entry != ffi.NULL:
                parts.append(bytes(ffi.buffer(entry.data, entry.length)))
                entry = entry.next
            self.recording.frame(record, parts)
            lib.LiCompleteVideoFrame(handle[0], 0)
