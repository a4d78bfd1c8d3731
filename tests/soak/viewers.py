#!/usr/bin/env python3
"""What each viewer of one lobby costs, thread by thread: what one encoder for
all who asked for the same video would save.

usage: viewers.py path/to/earthshine [SECONDS]

Starts a host and a lobby with a terminal that scrolls, sends one, two and three
clients there that ask for exactly the same, and prints the processor time that
the threads of their workers use, in ms per second and viewer.
"""

import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HZ = os.sysconf("SC_CLK_TCK")
PORT = 34589
MODES = [((1280, 720), 10_000), ((1920, 1080), 20_000)]
MOST = 3
RUNNER = "exec foot --fullscreen sh -c 'while :; do seq 1 60; sleep 0.016; done'"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def api(path, method, body=None):
    connection = UnixConnection(api.socket)
    connection.request(method, "/api/v1/" + path, json.dumps(body) if body else None)
    answer = json.loads(connection.getresponse().read())
    if not answer.get("success"):
        raise SystemExit(f"{path}: {answer}")
    return answer


def threads(pid):
    """CPU ticks by thread name."""
    ticks = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        head, _, tail = (task / "stat").read_text().rpartition(")")
        fields = tail.split()
        name = head.split("(", 1)[1]
        ticks[name] = ticks.get(name, 0) + int(fields[11]) + int(fields[12])
    return ticks


def main():
    binary, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    with tempfile.TemporaryDirectory(prefix="es-", dir="/tmp") as scratch:
        scratch = pathlib.Path(scratch)
        scratch.chmod(0o711)
        config = scratch / "config.toml"
        config.write_text("[host]\ndiscovery = false\n\n[video]\nencoders = [\"software\"]\n")
        api.socket = scratch / "api.sock"
        host = subprocess.Popen(
            [binary, "serve", "--config", config, "--state-dir", scratch / "state", "--runtime-dir", scratch / "run",
             "--api-socket", api.socket, "--bind", "127.0.0.1", "--port", str(PORT), "--metrics", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "EARTHSHINE_LOG": "warn"})
        try:
            host.stdout.readline()
            print(json.dumps({"load_average_before": os.getloadavg()[0], "rows": measure(binary, scratch, seconds),
                              "load_average_after": os.getloadavg()[0]}, indent=1))
        finally:
            host.terminate()
            host.wait(30)


def measure(binary, scratch, seconds):
    def play(count, size, bitrate, length, report):
        return subprocess.Popen(
            [binary, "bench", "clients", "--port", str(PORT), "--api-socket", api.socket, "--identities",
             scratch / "clients", "-n", str(count), "--size", f"{size[0]}x{size[1]}", "--fps", "60", "--bitrate",
             str(bitrate), "--seconds", str(length), "--json", report],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    if play(MOST, (320, 180), 1000, 1, scratch / "pairing.json").wait():
        raise SystemExit("the clients cannot stream")
    clients = [client["client_id"] for client in api("clients", "GET")["clients"]]
    rows = []
    for size, bitrate in MODES:
        lobby = api("lobbies/create", "POST", {
            "profile_id": "viewers", "name": "Scrolling", "stop_when_everyone_leaves": False,
            "video_settings": {"width": size[0], "height": size[1], "refresh_rate": 60},
            "audio_settings": {"channel_count": 2}, "runner_state_folder": "",
            "runner": {"type": "process", "run_cmd": RUNNER}})["lobby_id"]
        for count in range(1, MOST + 1):
            for client in clients[:count]:
                api("sessions/configure", "POST", {"client_unique_id": client, "immediate_lobby_id": lobby})
            report = scratch / "report.json"
            playing = play(count, size, bitrate, int(seconds) + 6, report)
            sessions = []
            while len(sessions) < count:
                assert playing.poll() is None, "the clients have ended"
                time.sleep(0.2)
                sessions = [session for session in api("sessions", "GET")["sessions"] if session["encoder"]]
            assert all(session["lobby_id"] == lobby for session in sessions), sessions
            time.sleep(2)
            workers = [session["worker_pid"] for session in sessions]
            compositor = api("lobbies", "GET")["lobbies"][0]["desktop"]["compositor_pid"]
            before, begin = [threads(pid) for pid in workers + [compositor]], time.monotonic()
            time.sleep(seconds)
            passed = time.monotonic() - begin
            after = [threads(pid) for pid in workers + [compositor]]
            used = {}
            for one, other in zip(before[:-1], after[:-1]):
                for name, ticks in other.items():
                    used[name] = used.get(name, 0) + ticks - one.get(name, 0)
            playing.wait()
            scale = 1000 / HZ / passed
            totals = json.loads(report.read_text())["totals"]
            latency = [client["video"]["host_latency_ms"] for client in json.loads(report.read_text())["clients"]]
            rows.append({
                "size": f"{size[0]}x{size[1]}", "viewers": count,
                "ms_per_second_and_viewer": {name: round(ticks * scale / count, 1) for name, ticks in used.items()},
                "sum": round(sum(used.values()) * scale / count, 1),
                "compositor": round((sum(after[-1].values()) - sum(before[-1].values())) * scale, 1),
                "frames_per_second_and_viewer": round(totals["frames_complete"] / count / (seconds + 6), 1),
                "host_latency_ms_p50": [one["p50"] for one in latency],
            })
        api("lobbies/stop", "POST", {"lobby_id": lobby})
    return rows


if __name__ == "__main__":
    main()
