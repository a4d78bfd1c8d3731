#!/usr/bin/env python3
"""Drives the real Moonlight client core from the command line.

A program of its own: the tests start it, read JSON lines from its stdout
(`events.py`) and, while it streams, write JSON lines to its stdin
(`commands.py`). Exit status: 0 done; 1 wrong usage; 2 not done, the last event
says why; 3 the stream was ended by the host with an error code.

    driver.py --identity DIR [--host ADDR] [--port HTTP] pair --pin 1234
    driver.py --identity DIR stream --app Desktop --width 1280 --height 720 --video out.h264
    driver.py decode-audio --audio out.opus --wav out.wav
"""

import argparse
import os
import select
import signal
import sys

from events import DriverError, now, say
from gamestream import Host, Refused, apps, fields
from identity import Identity


def main():
    """Parses, does, reports."""
    arguments = parse(sys.argv[1:])
    try:
        return arguments.run(arguments) or 0
    except DriverError as error:
        status = getattr(error, "status", None)
        say("error", kind=type(error).__name__, text=str(error), status=status)
        return 2


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(prog="driver.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--identity", metavar="DIR", help="the client's key and certificate; made if missing")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDR")
    parser.add_argument("--port", type=int, default=47989, help="the host's HTTP port")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds for one request")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, run, text):
        command = commands.add_parser(name, help=text)
        command.set_defaults(run=run)
        return command

    command = add("pair", run_pair, "pair with the host")
    command.add_argument("--pin", required=True)
    command.add_argument("--wait", type=float, default=120.0, help="seconds until the PIN must be typed")
    command = add("serverinfo", run_serverinfo, "print serverinfo")
    command.add_argument("--https", action="store_true")
    add("applist", run_applist, "print the apps")
    command = add("appasset", run_appasset, "store an app's picture")
    command.add_argument("--app", required=True)
    command.add_argument("--out", required=True, metavar="FILE")
    add("cancel", run_cancel, "end the running app")
    add("unpair", run_unpair, "forget the host")
    add_stream_options(add("stream", run_stream, "launch or resume an app and stream it"))
    command = add("decode-audio", run_decode_audio, "recorded Opus packets to a WAV file")
    command.add_argument("--audio", required=True, metavar="FILE")
    command.add_argument("--wav", required=True, metavar="FILE")
    return parser.parse_args(argv)


def add_stream_options(command):
    """Everything a stream can be asked for."""
    option = command.add_argument
    option("--app", default="Desktop", help="title or number")
    option("--verb", choices=("auto", "launch", "resume"), default="auto")
    option("--width", type=int, default=1280)
    option("--height", type=int, default=720)
    option("--fps", type=int, default=30)
    option("--refresh-x100", type=int, default=0, help="hundredths of a hertz; fps*100 if 0")
    option("--bitrate", type=int, default=8000, help="kbit/s")
    option("--packet-size", type=int, default=1392)
    option("--remote", type=int, choices=(0, 1, 2), default=0, help="0 local, 1 remote, 2 automatic")
    option("--formats", type=lambda text: int(text, 0), default=1, help="bit mask; 1 is H.264")
    option("--encryption", choices=("none", "audio", "video", "all"), default="none")
    option("--channels", type=int, choices=(2, 6, 8), default=2)
    option("--slow-audio", action="store_true", help="a slow decoder: 10 ms packets")
    option("--slices", type=int, choices=range(5), default=0, help="slices per frame the decoder wants")
    option("--color-space", type=int, choices=(0, 1, 2), default=0, help="0 BT.601, 1 BT.709, 2 BT.2020")
    option("--color-range", type=int, choices=(0, 1), default=0, help="0 limited, 1 full")
    option("--local-audio", action="store_true", help="play on the host too")
    option("--video", metavar="FILE", help="write the elementary stream")
    option("--audio", metavar="FILE", help="write the Opus packets")
    option("--frames", metavar="FILE", help="write a JSON line per frame")
    option("--seconds", type=float, help="stop by itself, without reading stdin")


def host_of(arguments):
    """The host and the identity that the arguments name."""
    if not arguments.identity:
        raise DriverError("--identity DIR is needed")
    return Host(arguments.host, arguments.port, Identity(arguments.identity), arguments.timeout)


def run_pair(arguments):
    """pair"""
    from pairing import pair

    host_id = pair(host_of(arguments), arguments.pin, arguments.wait)
    say("paired", host_id=host_id)


def run_serverinfo(arguments):
    """serverinfo"""
    host = host_of(arguments)
    info = fields(host.get("serverinfo")) if arguments.https else host.info()
    say("serverinfo", **info)


def run_applist(arguments):
    """applist"""
    say("applist", apps=apps(host_of(arguments).get("applist")))


def run_appasset(arguments):
    """appasset"""
    host = host_of(arguments)
    query = {"appid": find_app(host, arguments.app)["id"], "AssetType": "2", "AssetIdx": "0"}
    picture = host.get_bytes("appasset", query)
    with open(arguments.out, "wb") as out:
        out.write(picture)
    say("appasset", bytes=len(picture))


def run_cancel(arguments):
    """cancel"""
    cancel(host_of(arguments))


def run_unpair(arguments):
    """unpair"""
    host = host_of(arguments)
    host.get("unpair", https=False)
    host.identity.forget_host(host.info().get("uniqueid", ""))
    say("unpaired")


def run_decode_audio(arguments):
    """decode-audio"""
    from opus import decode

    say("decoded", **decode(arguments.audio, arguments.wav))


def run_stream(arguments):
    """stream"""
    from connection import Connection, Keys
    from core import Core
    from recording import Recording

    host = host_of(arguments)
    core = Core()
    recording = Recording(arguments.video, arguments.audio, arguments.frames)
    keys = Keys()
    # SIGTERM ends a stream as `stop` does: the host sees an orderly end.
    stop_read, stop_write = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(stop_write, b"x"))
    app = find_app(host, arguments.app)
    info = fields(host.get("serverinfo"))
    session_url = begin_session(host, core, arguments, app, info, keys)
    connection = Connection(core, arguments, recording)
    say("connecting", url=session_url)
    try:
        connection.start(arguments.host, info, session_url, keys)
        over = follow(connection, recording, arguments.seconds, stop_read)
    finally:
        # Not on a failed start: the core has cleaned up itself then.
        if connection.running:
            connection.stop()
        recording.close()
    if over == "quit":
        cancel(host)
    return 3 if connection.end_code else 0


def begin_session(host, core, arguments, app, info, keys):
    """/launch or /resume; the RTSP address."""
    verb = arguments.verb
    if verb == "auto":
        busy = info.get("state", "").endswith("_SERVER_BUSY") and info.get("currentgame") == app["id"]
        verb = "resume" if busy else "launch"
    mask = {2: 0x3, 6: 0x3F, 8: 0x63F}[arguments.channels]
    query = {
        "appid": app["id"],
        "mode": f"{arguments.width}x{arguments.height}x{arguments.fps}",
        "additionalStates": "1",
        "sops": "1",
        **keys.query(),
        "localAudioPlayMode": "1" if arguments.local_audio else "0",
        "surroundAudioInfo": str(mask << 16 | arguments.channels),
        "remoteControllersBitmap": "0",
        "gcmap": "0",
        "gcpersist": "0",
        **core.launch_parameters(),
    }
    say("launching", verb=verb)
    answer = fields(host.get(verb, query, timeout=120))
    element = "gamesession" if verb == "launch" else "resume"
    if answer.get(element, "0") == "0":
        raise DriverError(f"{verb}: the answer's {element} is {answer.get(element)}")
    say("session", verb=verb, app=app["title"], url=answer.get("sessionUrl0"))
    return answer.get("sessionUrl0", "")


def follow(connection, recording, seconds, stop_fd):
    """Obeys until told to end, the host ends, or the time is up."""
    from commands import Commands

    commands = Commands(connection, recording)
    say("streaming")
    deadline = now() + seconds if seconds else None
    watched = [stop_fd] if seconds else [stop_fd, sys.stdin.fileno()]
    pending = b""
    while not commands.over and not connection.ended.is_set():
        if deadline and now() >= deadline:
            break
        ready, _, _ = select.select(watched, [], [], 0.1)
        if stop_fd in ready:
            break
        if not ready:
            continue
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            break  # whoever drives us has gone
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            commands.obey(line)
    recording.flush()
    say("summary", end_code=connection.end_code, **commands.statistics())
    return commands.over


def find_app(host, wanted):
    """The app of that title or number."""
    known = apps(host.get("applist"))
    for app in known:
        if wanted in (app["id"], app["title"]):
            return app
    raise DriverError(f"no app {wanted!r}; the host has {[app['title'] for app in known]}")


def cancel(host):
    """/cancel, and what a client checks after it."""
    answer = fields(host.get("cancel", timeout=30))
    if answer.get("cancel") != "1":
        raise DriverError(f"cancel: the host answered {answer.get('cancel')}")
    info = fields(host.get("serverinfo"))
    if info.get("state", "").endswith("_SERVER_BUSY") and info.get("currentgame", "0") != "0":
        raise Refused("cancel", 599, "serverinfo still reports a running app")
    say("cancelled")


if __name__ == "__main__":
    sys.exit(main())
