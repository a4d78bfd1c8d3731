#!/usr/bin/env python3
"""Makes the seeds in corpus/ from the test vectors in ../wire/vectors/."""
import base64, hashlib, json, pathlib, urllib.parse

here = pathlib.Path(__file__).resolve().parent
vectors = here.parent / "wire" / "vectors"


def load(name):
    return json.loads((vectors / f"{name}.json").read_text())


def seed(target, data):
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data).hexdigest()[:12]).write_bytes(data)


def ports(text):
    for name, port in [("VIDEO_PORT", "47998"), ("AUDIO_PORT", "48000"), ("CONTROL_PORT", "47999"), ("RTSP_PORT", "48010")]:
        text = text.replace(name, port)
    return text.encode()


for path in sorted(vectors.glob("session_*.json")):
    session = json.loads(path.read_text())
    requests = [ports(exchange["request"]) for exchange in session["rtsp"]]
    seed("rtsp_request", b"".join(requests))
    seed("announce", requests[5].split(b"\r\n\r\n", 1)[1])
    for exchange in session["rtsp"]:
        if "request_wire_hex" in exchange:
            seed("rtsp_sealed", bytes.fromhex(exchange["request_wire_hex"]))
    for message in session["control"]:
        if "type" not in message:
            continue
        payload = bytes.fromhex(message["payload_hex"])
        kind = int(message["type"], 16)
        seed("control_message", kind.to_bytes(2, "little") + len(payload).to_bytes(2, "little") + payload)
        if kind == 0x0206:
            seed("input_packet", payload)
        if "wire_hex" in message:
            seed("control_packet", bytes.fromhex(message["wire_hex"]))
    for message in session.get("host_to_client", []):
        seed("control_message", bytes.fromhex(message["plain_hex"]))
    seed("ping", bytes.fromhex(session["udp"]["video_pings"][0]))
seed("ping", b"PING")

launch = {
    "appid": "881448767", "mode": "1920x1080x60", "additionalStates": "1", "sops": "1",
    "rikey": "101112131415161718191a1b1c1d1e1f", "rikeyid": "-559038737", "localAudioPlayMode": "0",
    "surroundAudioInfo": "196610", "remoteControllersBitmap": "1", "gcmap": "1", "corever": "1",
}
seed("launch_query", urllib.parse.urlencode(launch).encode())
seed("launch_query", urllib.parse.urlencode({**launch, "mode": "1280x720x59.94", "hdrMode": "1"}).encode())

pairing = load("pairing")
phases = pairing["gen7_sha256"]
queries = [
    {"phrase": "getservercert", "salt": pairing["salt_hex"], "clientcert": phases["phase1_clientcert_param"]},
    {"clientchallenge": phases["phase2_clientchallenge_param"]},
    {"serverchallengeresp": phases["phase3_serverchallengeresp_param"]},
    {"clientpairingsecret": phases["phase4_clientpairingsecret_param"]},
    {"phrase": "pairchallenge"},
]
lines = [urllib.parse.urlencode({"uniqueid": "0123456789ABCDEF", **query}).encode() for query in queries]
seed("pairing", b"\n".join(lines))
for line in lines:
    seed("pairing", line)
for end in ["client", "host"]:
    pem = pairing[f"{end}_cert_pem"]
    seed("certificate", pem.encode())
    seed("certificate", base64.b64decode("".join(pem.strip().splitlines()[1:-1])))
(here / "host_certificate.pem").write_text(pairing["host_cert_pem"])
