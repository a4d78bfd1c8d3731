#!/usr/bin/env python3
"""Makes the seeds in corpus/ from the test vectors in ../wire/vectors/."""
import base64, hashlib, json, pathlib, struct, urllib.parse

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
# Postcard: enum variants and lengths are varints, all under 128 here.
for message in [
    b"\x00\x05\x01\x00",  # Start, cut off
    b"\x01\x00", b"\x01\x01", b"\x02\x01",  # Socket, Switch to the test card
    b"\x02\x00\x04/w-0\x01\x04/p-0",  # Switch to a desktop
    b"\x03", b"\x04\x07\x09", b"\x05\x80\x7d",  # RequestIdr, InvalidateReferences, SetBitrate
    *(b"\x06" + bytes([kind]) + bytes(length) for kind in range(16) for length in (2, 8, 24)),  # Input
    b"\x07", b"\x08",
    b"\x00\x08software", b"\x01\x00\x04gone", b"\x01\x01\x04open",  # Ready, Failed
]:
    seed("ipc_message", message)

words = [0] * 210
words[:8] = [17, 900, 900, 4, 123456789, 60, 2, 58]
words[64:70] = [5, 100, 60, 60, 200, 3]
words[128:204] = range(76)
words[204] = 1 << 40
for page in [words, [0xFFFFFFFFFFFFFFFF] * 210, [0x4000000000000000] * 300]:
    seed("counters_page", struct.pack(f"<{len(page)}Q", *page))

def rtp(sequence, marker, payload):
    packet = struct.pack(">BBHII", 0x80, 0x60 | marker << 7, sequence, 0, 1) + payload
    return struct.pack(">H", len(packet)) + packet


for packets in [
    [b"\x18\x00\x02\x67\x01\x00\x02\x68\x02", b"\x7c\x85\x01", b"\x7c\x05\x02", b"\x7c\x45\x03"],
    [b"\x61\x9a\x01", b"\x5c\x81\x01", b"\x5c\x41\x02"],
]:
    last = len(packets) - 1
    seed("rtp_h264", b"".join(rtp(0xFFFE + at & 0xFFFF, at == last, packet) for at, packet in enumerate(packets)))

for case in load("video_packets")["cases"]:
    for packet in case["packets_hex"]:
        seed("video_packet", bytes.fromhex(packet))
crypto = load("crypto")
seed("video_packet", bytes.fromhex(crypto["video_aes_gcm"]["wire_hex"]))
for case in crypto["audio_aes_cbc"]:
    sequence = case["rtp_sequence"] & 0xFFFF
    seed("audio_packet", struct.pack(">BBHIxxxx", 0x80, 97, sequence, 5 * sequence) + bytes.fromhex(case["cipher_hex"]))
for lost in [b"\x00\x01", b"\x03\x05", b"\x02\x02"]:
    head = struct.pack(">BBHIxxxxBBHIxxxx", 0x80, 127, 4, 0, 0, 97, 0, 0)
    seed("audio_packet", head + lost + bytes(range(40)))

def with_lengths(datagrams):
    return b"".join(struct.pack("<H", len(datagram)) + datagram for datagram in datagrams)


# The vectors' frames, whole, and with every second packet missing or doubled.
for case in load("video_packets")["cases"]:
    packets = [bytes.fromhex(packet) for packet in case["packets_hex"]]
    for some in [packets, packets[1:], packets[::-1], packets[::2] * 2]:
        seed("video_assembler", struct.pack("<H", case["packet_size"]) + with_lengths(some))
sound = [
    struct.pack(">BBHIxxxx", 0x80, 97, case["rtp_sequence"] & 0xFFFF, 5) + bytes.fromhex(case["cipher_hex"])
    for case in crypto["audio_aes_cbc"]
]
parity = [struct.pack(">BBHIxxxxBBHIxxxx", 0x80, 127, 4, 0, index, 97, 0, 0) + bytes(40) for index in range(2)]
data = [struct.pack(">BBHIxxxx", 0x80, 97, sequence, 5) + bytes([sequence] * 40) for sequence in range(8)]
for sealed in [b"\0", b"\1"]:
    seed("audio_assembler", sealed + with_lengths(sound))
    seed("audio_assembler", sealed + with_lengths(data[:2] + parity + data[4:]))
    seed("audio_assembler", sealed + with_lengths(data + data[::-2] + parity))

for data, parity in [(1, 1), (3, 2), (10, 4), (40, 20), (0, 1), (80, 0)]:
    for arrived in [b"\xff\x7f", b"\xf6\xdb\xb7", b"\x55"]:
        seed("fec_repair", bytes([data, parity, 5]) + arrived)

for body in ['"12345678901234567890"', "18446744073709551615", "-1", '"0123"', '"\\u0000"', "1e400", "[" * 200]:
    seed("api_body", body.encode())

for head in ["after=7&instance=a\n9", "after=-1\n", "\nBearer 0123456789abcdef", "after=%37\nbearer  x ", "a=b\n18446744073709551615"]:
    seed("api_head", head.encode())

seed("config", (here.parents[1] / "src/config/defaults.toml").read_bytes())
for text in [
    '[video]\nfec_percent = 30\nencoders = ["software"]\n[desktop]\nidle_limit = 0.5\n',
    '[[app]]\ntitle = "Game"\nid = 77\ncommand = "game"\nenvironment = { A = "b" }\nicon = "/a.png"\n',
    '[[app]]\ntitle = "a"\n[[app]]\ntitle = "a"\n',
    "host.max_sessions = 0",
    '[host]\nname = """\nx"""',
    "a.b.c.d = [{x=1}]",
]:
    seed("config", text.encode())

pem = pairing["client_cert_pem"]
client = {
    "id": hashlib.sha256(base64.b64decode("".join(pem.strip().splitlines()[1:-1]))).hexdigest(),
    "name": "roth", "paired_at": 1700000000, "slot": 0, "certificate": pem,
}
head = {"format": "earthshine paired clients", "version": 1, "next_slot": 1}
seed("state_file", json.dumps({**head, "clients": [client]}).encode())
seed("state_file", json.dumps({**head, "clients": [client, client]}).encode())
seed("state_file", json.dumps({**head, "version": 2, "clients": []}).encode())
seed("state_file", b'{"format":1}')

outputs = [{"name": "HEADLESS-1", "current_mode": {"width": 1280, "height": 720, "refresh": 60000}}, {"name": "off"}]
for answer in [outputs, [{"success": True}], [{"success": False, "error": "no such output"}]]:
    payload = json.dumps(answer).encode()
    seed("desktop_files", b"i3-ipc" + struct.pack("=II", len(payload), 3) + payload)
processes = {"host": {"pid": 1, "start_time": 2}, "children": [{"pid": 3, "start_time": 4}], "cgroup": None}
seed("desktop_files", json.dumps(processes).encode())
seed("desktop_files", json.dumps({**processes, "cgroup": "/sys/fs/cgroup/earthshine-1"}).encode())
seed("desktop_files", b"12 (a) R) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2")

session = {
    "session": 7, "client": "ab" * 32,
    "app": {"title": "Game", "id": None, "command": "game", "test_card": False, "compositor": None,
            "environment": {"A": "b"}, "icon": None, "working_directory": None},
    "mode": [{"width": 1280, "height": 720}, {"millihertz": 60000}], "channels": 2, "connections": 3, "past_restarts": 1,
    "desktop": {"directory": "/run/earthshine/desktops/7-0", "restarts": 1},
    "guest_home": {"path": "", "uid": 0, "ephemeral": False},
}
lobby = {
    "lobby": "0b8c3f6e-1d2a-4e5f-8a9b-0c1d2e3f4a5b", "number": 4, "created": 1763750000,
    "spec": {"name": "Agent", "profile": "helix-sessions", "icon": None, "multi_user": True, "pin": [1, 2, 3, 4],
             "stop_when_everyone_leaves": False, "size": {"width": 1920, "height": 1080},
             "frame_rate": {"millihertz": 60000}, "channels": 6, "command": "agent", "environment": {"A": "b"},
             "runner": {"type": "process", "run_cmd": "agent"}, "state_folder": "agent-1", "run_uid": 1000,
             "idempotency_key": "key", "lease": {"secs": 60, "nanos": 0}, "created_by": "ab" * 32},
    "home": {"path": "/h", "uid": 1000, "ephemeral": True}, "visited": True,
    "desktop": {"directory": "/run/earthshine/desktops/lobby-4-0", "restarts": 0},
}
for kind, body in [("session", session), ("session", {**session, "desktop": None}), ("lobby", lobby), ("lobby", session)]:
    record = {"format": f"earthshine {kind}", "version": 1, "body": body}
    seed("adoption_record", json.dumps(record).encode())
seed("adoption_record", b'{"format":"earthshine lobby","version":2,"body":{}}')

for message in [b"\x00\x03api", b"\x01\x0frtsp-listener-1", b"\x02", b"\x03", b"\x01", b"\x00\xff\xff\xff\xff\x0f", b"\x00\x02\xff\xfe"]:
    seed("keeper_message", message)

gpu = {
    "bus_id": "0000:01:00.0", "vendor": "nvidia", "name": "NVIDIA GeForce RTX 4070", "uuid": "GPU-65617274",
    "driver_version": "550.54.14", "memory_total_bytes": 12 << 30, "memory_used_bytes": 300 << 20, "busy_percent": 7,
    "encoder_percent": 5, "encoder_sessions": 1, "encoder_average_fps": 60,
    "encoder_average_latency_microseconds": 1500, "error": "",
}
card = {"bus_id": "0000:03:00.0", "vendor": "amd", "name": "amdgpu", "error": "nvmlDeviceGetName: GPU is lost (15)"}
for gpus in [[gpu], [gpu, card], []]:
    seed("gpu_report", json.dumps({"gpus": gpus, "error": "", "took_microseconds": 42}).encode() + b"\n")
seed("gpu_report", b'{"gpus":[{"bus_id":"b","vendor":"intel","name":"","error":"","busy_percent":101}],"error":"","took_microseconds":0}')

for head in [(1, 1, 4, 2), (0, 0, 2, 2), (2, 1, 64, 48), (1, 0, 8192, 8192), (3, 0, 4, 2), (1, 2, 4, 2)]:
    space, range_, width, height = head
    samples = bytes(min(width * height * 3 // 2, 6000))
    seed("raw_picture", b"ESPIC" + struct.pack("<BBBHH", space, range_, 0, width, height) + samples)

pair = lambda fourcc, modifier: struct.pack("<4sIQ", fourcc, 0, modifier)
event = lambda kind, data: kind + bytes([len(data)]) + data
table = event(b"t", pair(b"XR24", 0) + pair(b"XR24", 7) + pair(b"AR24", (1 << 56) - 1))
device = struct.pack("<Q", 0xE280)
tranche = event(b"d", device) + event(b"f", struct.pack("<HH", 1, 0)) + event(b"e", b"")
seed("dmabuf_feedback", table + event(b"m", device) + tranche + tranche + b"\n\0")
seed("dmabuf_feedback", table + tranche + event(b"f", struct.pack("<H", 9)) + b"\n\0" + event(b"f", b"\1\0") + b"\n\0")
seed("dmabuf_feedback", event(b"t", bytes(17)) + event(b"o", b"ab") + event(b"m", b"1234"))

for answer in [
    b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: TOKEN;timeout = 90\r\nX-SS-Ping-Payload: 0123456789ABCDEF\r\n\r\n"
    b"a=x-ss-general.encryptionSupported:5\na=x-ss-general.encryptionRequested:1\nsprop-parameter-sets=AAAAAU\n",
    b"RTSP/1.0 403 Forbidden\r\nCSeq: 1\r\n\r\n",
    b'<?xml version="1.0"?><root status_code="200"><App><AppTitle>a &amp; b</AppTitle><ID>7</ID></App><App/></root>',
    b'<root status_code="200"><paired>1</paired><challengeresponse>00ff</challengeresponse></root>',
    b'<root status_code="503" status_message="no &quot;encoder&quot;"><gamesession>0</gamesession></root>',
    b"rtspenc://[::1]:48010",
]:
    seed("host_answer", answer)

profile = {"id": "u-1", "name": "Ann", "pin": [1, 2, 3, 4], "apps": [
    {"title": "Game", "id": "7", "support_hdr": False, "runner": {"type": "process", "run_cmd": "game"}}], "more": 1}
seed("state_file", json.dumps({"format": "earthshine profiles", "version": 1, "profiles": [profile, profile]}).encode())
# Steps of enet_driver.rs; addresses are in the upper half of their first byte.
GREET, TRANSMIT, EVENTS, ANOTHER = b"\x02\x05", b"\x05", b"\x04", b"\x06"


def acknowledge(channel, number, peer=0):
    return struct.pack("<BB", 10, channel) + struct.pack(">HB", number, peer)


def say(*commands, peer=0, session=0):
    commands = b"".join(commands)
    return struct.pack("<BBBH", 1, peer, session, len(commands)) + commands


def command(kind, channel, number, *fields, payload=None):
    data = struct.pack(">BBH", kind, channel, number) + b"".join(fields)
    return data if payload is None else data + struct.pack(">H", len(payload)) + payload


def fragment(kind, channel, number, start, count, index, payload, total, offset):
    head = struct.pack(">BBHHH", kind, channel, number, start, len(payload))
    return head + struct.pack(">IIII", count, index, total, offset) + payload


reliable = lambda number, channel=1: command(0x86, channel, number, payload=b"text")
part = lambda index, start=1: fragment(0x88, 2, start + index, start, 3, index, b"abc", 9, 3 * index)
loose = lambda index, start=1: fragment(0x0c, 2, 0, start, 2, index, b"abc", 6, 3 * index)
wait = lambda millis: struct.pack("<BH", 3, millis)
send = lambda length, channel=0, peer=0: struct.pack("<BBBH", 7, peer, channel, length)
connected = GREET + TRANSMIT + acknowledge(255, 1) + EVENTS + TRANSMIT
for steps in [
    [say(reliable(1)), TRANSMIT, say(reliable(3), reliable(2)), ANOTHER, say(reliable(4)), TRANSMIT],
    [say(reliable(2)), ANOTHER, say(reliable(1)), EVENTS, TRANSMIT],
    [say(part(2)), say(part(0)), ANOTHER, say(part(1)), say(reliable(4, 2)), EVENTS, TRANSMIT],
    [say(loose(1)), ANOTHER, say(loose(0)), EVENTS],
    [say(command(7, 1, 1, struct.pack(">H", 1), payload=b"late"), reliable(1)), EVENTS],
    [say(command(0x49, 1, 0, struct.pack(">H", 5), payload=b"x"), command(0x49, 1, 0, struct.pack(">H", 5), payload=b"x"))],
    [send(40), TRANSMIT, wait(700), TRANSMIT, ANOTHER, TRANSMIT, acknowledge(0, 1), TRANSMIT],
    [send(9000), TRANSMIT, acknowledge(0, 3), wait(600), TRANSMIT, ANOTHER, TRANSMIT],
    [send(40), b"\x08\x00", TRANSMIT, acknowledge(0, 1), TRANSMIT, acknowledge(255, 2), EVENTS],
    [b"\x09\x00", TRANSMIT, GREET, TRANSMIT],
    [say(command(0x84, 255, 2, struct.pack(">I", 0))), TRANSMIT, EVENTS, GREET, TRANSMIT],
    [say(command(0x85, 255, 2), command(0x8a, 255, 3, struct.pack(">II", 9, 9)))],
    [say(command(0x8b, 255, 2, struct.pack(">III", 1, 2, 3))), b"\x12\x06", b"\x22\x07", TRANSMIT, wait(11000)],
]:
    seed("enet_server", connected + b"".join(steps))
connect = struct.pack(">BBHHBBIIIIIIIIII", 0x82, 255, 1, 7, 255, 255, 900, 65536, 48, 0, 0, 5000, 2, 2, 1, 2)
seed("enet_server", bytes([0, 4 + len(connect)]) + b"\x8f\xff\x00\x00" + connect + TRANSMIT + wait(3000) + TRANSMIT)

(here / "host_certificate.pem").write_text(pairing["host_cert_pem"])
