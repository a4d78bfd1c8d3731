//! One function per parser of foreign bytes: takes any bytes, must not panic,
//! and checks what must hold for bytes that were accepted.
//!
//! Shared by the libFuzzer binaries in `fuzz_targets/` and by the ordinary test
//! `tests/fuzz_corpus.rs`. A new parser gets a function here, a line in
//! [`TARGETS`], a binary, and seeds in `corpus/NAME/`.

#[path = "enet_driver.rs"]
mod enet_driver;

use std::path::Path;
use std::sync::atomic::Ordering;

use earthshine::bench::peers::rtp_h264::Depacketizer;
use earthshine::codec::{Chroma, VideoCodec, VideoProfile};
use earthshine::config::Config;
use earthshine::desktop::process::ProcessStat;
use earthshine::desktop::record::Record;
use earthshine::desktop::sway_ipc;
use earthshine::host::adoption;
use earthshine::host::api::answer::ApiAnswer;
use earthshine::host::api::body::{self, WireId};
use earthshine::host::api::events::Start;
use earthshine::host::api::routes::ROUTES;
use earthshine::host::api::tcp::bearer;
use earthshine::host::apps::Apps;
use earthshine::host::apps::record::AppRecord;
use earthshine::host::client_certificate::PublicKey;
use earthshine::host::profiles::Profiles;
use earthshine::host::sessions::checkpoint;
use earthshine::host::store::paired_clients::PairedClients;
use earthshine::ipc::channel;
use earthshine::ipc::counters_page::{BUCKETS, Counter, CountersPage, Stage, WORDS, bucket_bound};
use earthshine::ipc::flight_recorder::EVENTS;
use earthshine::ipc::gpu_report::GpuReport;
use earthshine::ipc::keeping::{FromKeeper, ToKeeper};
use earthshine::ipc::log_ring::{LINES, LONGEST_LINE};
use earthshine::ipc::message::{FromWorker, ToWorker};
use earthshine::ipc::picture::RawPicture;
use earthshine::protocol::audio::assembler::AudioAssembler;
use earthshine::protocol::audio::fec_window::FecWindow;
use earthshine::protocol::audio::packet_header::{DATA_HEADER_LEN, DataHeader, PARITY_HEADER_LEN, ParityHeader};
use earthshine::protocol::audio::sealer::AudioSealer;
use earthshine::protocol::bytes::Reader;
use earthshine::protocol::control::feedback::HostMessage;
use earthshine::protocol::control::message::ClientMessage;
use earthshine::protocol::control::session::{self, ControlSession};
use earthshine::protocol::control::{input_packet, keymap};
use earthshine::protocol::enet::peer_state::PeerState;
use earthshine::protocol::fec::decode::{RepairError, repair};
use earthshine::protocol::fec::encode::Encoder;
use earthshine::protocol::fec::kernels::Stripe;
use earthshine::protocol::fec::matrix::Matrix;
use earthshine::protocol::gamestream::answer::SessionUrl;
use earthshine::protocol::gamestream::launch_request::LaunchRequest;
use earthshine::protocol::gamestream::ping::{Ping, PingPayload};
use earthshine::protocol::gamestream::xml_reader;
use earthshine::protocol::pairing::certificate::Certificate;
use earthshine::protocol::pairing::handshake::{AwaitingPin, HostRandom};
use earthshine::protocol::pairing::pin_key::{HashKind, Pin};
use earthshine::protocol::pairing::request::PairRequest;
use earthshine::protocol::rtsp;
use earthshine::protocol::rtsp::handshake::{DEFAULT_MAX_PACKET_SIZE, Handshake, HandshakeConfig, Ports};
use earthshine::protocol::rtsp::message::{Progress, REQUEST_LIMIT, parse_request};
use earthshine::protocol::rtsp::sdp::{Offer, SeenOffer};
use earthshine::protocol::rtsp::sealer::{Opened, RtspSealer};
use earthshine::protocol::rtsp::stream_parameters::StreamParameters;
use earthshine::protocol::rtsp::surround::Quality;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::side::Side;
use earthshine::protocol::video::assembler::{Assembler, Event};
use earthshine::protocol::video::frame_header::FrameHeader;
use earthshine::protocol::video::packet_header::{FecInfo, PacketHeader};
use earthshine::protocol::video::rtp::RtpHeader;
use earthshine::protocol::video::sealer::VideoOpener;
use earthshine::worker::capture::dma_buf::feedback::Feedback;
use earthshine_ffi::shared_memory::SharedCounters;
use enet_driver::Driver;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// All of them by name, which is also the folder of their seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("rtsp_request", rtsp_request),
    ("rtsp_sealed", rtsp_sealed),
    ("announce", announce),
    ("control_packet", control_packet),
    ("control_message", control_message),
    ("input_packet", input_event),
    ("ping", ping),
    ("launch_query", launch_query),
    ("pairing", pairing),
    ("certificate", certificate),
    ("ipc_message", ipc_message),
    ("counters_page", counters_page),
    ("rtp_h264", rtp_h264),
    ("video_packet", video_packet),
    ("fec_repair", fec_repair),
    ("audio_packet", audio_packet),
    ("video_assembler", video_assembler),
    ("audio_assembler", audio_assembler),
    ("api_body", api_body),
    ("api_head", api_head),
    ("config", config),
    ("state_file", state_file),
    ("desktop_files", desktop_files),
    ("adoption_record", adoption_record),
    ("keeper_message", keeper_message),
    ("raw_picture", raw_picture),
    ("host_answer", host_answer),
    ("enet_server", enet_server),
    ("checkpoint", checkpoint),
    ("gpu_report", gpu_report),
    ("dmabuf_feedback", dmabuf_feedback),
];

/// Requests one after the other, played through a handshake.
pub fn rtsp_request(data: &[u8]) {
    let mut handshake = handshake();
    let mut rest = data;
    while let Ok(Progress::Complete { request, consumed }) = parse_request(rest) {
        assert!(consumed > 0 && consumed <= rest.len() && consumed <= REQUEST_LIMIT);
        let again = parse_request(&rest[..consumed]);
        assert_eq!(again, Ok(Progress::Complete { request: request.clone(), consumed }));
        let answer = handshake.handle_request(&request).response.to_bytes();
        assert!(answer.starts_with(b"RTSP/1.0 ") && !answer.contains(&0));
        rest = &rest[consumed..];
    }
}

/// A line of the process that asks GPUs.
pub fn gpu_report(data: &[u8]) {
    if let Ok(report) = GpuReport::read(data) {
        for gpu in &report.gpus {
            assert!(gpu.memory_left_bytes().is_none_or(|left| gpu.memory_total_bytes >= Some(left)));
            assert!(!gpu.to_string().contains(char::is_control));
        }
        // What was accepted needs no correction.
        let line = report.clone().write().expect("what was read");
        assert_eq!(GpuReport::read(line.as_bytes()).ok(), Some(report));
    }
}

/// Encrypted RTSP frames, and whatever was in them.
pub fn rtsp_sealed(data: &[u8]) {
    let mut host = RtspSealer::new(&key(), Side::Host);
    if let Ok(Opened::Complete { plain, consumed }) = host.open(data) {
        assert_eq!(plain.len() + 24, consumed);
        assert!(host.open(data).is_err(), "a replay was opened");
        rtsp_request(&plain);
    }
    if data.len() < REQUEST_LIMIT {
        let frame = RtspSealer::new(&key(), Side::Client).seal(data).expect("a fresh sealer seals");
        let opened = RtspSealer::new(&key(), Side::Host).open(&frame);
        assert_eq!(opened, Ok(Opened::Complete { plain: data.to_vec(), consumed: frame.len() }));
    }
}

/// The body of an ANNOUNCE.
pub fn announce(data: &[u8]) {
    if let Ok(parameters) = StreamParameters::parse(data, &offer(), Quality::High, DEFAULT_MAX_PACKET_SIZE) {
        let (video, audio) = (&parameters.video, &parameters.audio);
        assert!(video.size.width >= 64 && video.size.width <= 8192);
        assert!(video.packet_size >= 64 && video.packet_size <= DEFAULT_MAX_PACKET_SIZE);
        assert!(video.slices >= 1 && video.frame_rate.millihertz() >= 990 && video.frame_rate.millihertz() <= 484_800);
        assert!(matches!(audio.layout.channels, 2 | 6 | 8) && matches!(audio.packet_duration_ms, 5 | 10));
        for fec in [0, 20, 255] {
            assert!(video.budget.for_encoder(earthshine::units::FecPercent(fec), audio.bitrate).kbps() > 0);
        }
    }
}

/// Sealed control packets under both schemes.
pub fn control_packet(data: &[u8]) {
    for v2 in [true, false] {
        let mut session = ControlSession::new(&key(), v2);
        let first = session.handle_packet(data);
        if v2 && first.is_ok() {
            assert!(session.handle_packet(data).is_err(), "a replay was opened");
        }
    }
}

/// Decrypted control messages of either end.
pub fn control_message(data: &[u8]) {
    if let Ok(message) = ClientMessage::read(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(ClientMessage::read(&written), Ok(message));
    }
    // What it means must not depend on when it is asked.
    assert_eq!(format!("{:?}", session::event(data)), format!("{:?}", session::event(data)));
    if let Ok(Some(message)) = HostMessage::read(data) {
        let mut written = Vec::new();
        message.write(&mut written);
        assert_eq!(HostMessage::read(&written), Ok(Some(message)));
    }
}

/// Input packets.
pub fn input_event(data: &[u8]) {
    if let Ok(Some(event)) = input_packet::read(data) {
        let mut written = Vec::new();
        input_packet::write(&event, &mut written);
        assert_eq!(input_packet::read(&written), Ok(Some(event)));
    }
    if let [code, flag, ..] = data {
        let _ = keymap::evdev_code(*code, flag & 1 != 0);
    }
}

/// First datagrams of media streams.
pub fn ping(data: &[u8]) {
    match Ping::parse(data) {
        Some(Ping::Session { payload, .. }) => assert_eq!(payload.as_str().as_bytes(), &data[..16]),
        Some(Ping::Legacy) => assert_eq!(data, b"PING"),
        None => {}
    }
}

/// Query strings of launch and resume.
pub fn launch_query(data: &[u8]) {
    if let Ok(request) = LaunchRequest::parse(&query(data)) {
        assert!(request.app.0 > 0 && matches!(request.channels, 2 | 6 | 8));
        assert!(request.frame_rate_hz != Some(0));
    }
}

/// Query strings of pairing, one a line, played through an attempt.
pub fn pairing(data: &[u8]) {
    let mut waiting = None;
    let mut challenged = None;
    let mut revealed = None;
    for line in data.split(|byte| *byte == b'\n') {
        match PairRequest::parse(&query(line)) {
            Ok(PairRequest::GetServerCert { salt, certificate }) => {
                let pin = Pin::parse("1234").expect("four digits");
                waiting = Some(AwaitingPin::new(HashKind::Sha256, salt, *certificate).enter_pin(&pin));
            }
            Ok(PairRequest::ClientChallenge(challenge)) => {
                if let Some(step) = waiting.take() {
                    let host = step_certificate();
                    let random = HostRandom { secret: [0x40; 16], challenge: [0x60; 16] };
                    challenged = host.map(|host| step.answer_challenge(&challenge, &host, random).0);
                }
            }
            Ok(PairRequest::ServerChallengeResponse(response)) => {
                let step = challenged.take();
                let sign = |message: &[u8]| Ok::<_, ()>(message.to_vec());
                revealed = step.and_then(|step| step.reveal(&response, sign).ok()).map(|(step, _)| step);
            }
            Ok(PairRequest::ClientPairingSecret { secret, signature }) => {
                if let Some(step) = revealed.take() {
                    let _ = step.verify(&secret, &signature);
                }
            }
            Ok(PairRequest::PairChallenge) | Err(_) => {}
        }
    }
}

/// Certificates as PEM or DER, and signatures checked with their keys; and the
/// key as the TLS handshake finds it.
pub fn certificate(data: &[u8]) {
    if let (Some(key), Ok(certificate)) = (PublicKey::find(data), Certificate::from_der(data.to_vec())) {
        assert_eq!(key.info().as_ref(), certificate.public_key_info());
    }
    let parsed = [Certificate::from_pem(data), Certificate::from_der(data.to_vec())];
    for certificate in parsed.into_iter().flatten() {
        let _ = certificate.client_id();
        assert!(certificate.public_key_info().len() < certificate.der().len());
        let signature = certificate.signature();
        assert!(!certificate.verifies(b"nobody signed this", signature));
    }
}

/// Messages between host and worker, whoever sends them.
pub fn ipc_message(data: &[u8]) {
    // Bytes are compared, because a coordinate may be no number.
    if let Ok(message) = channel::decode::<ToWorker>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        let again: ToWorker = channel::decode(&written).expect("what was written");
        assert_eq!(channel::encode(&again).ok(), Some(written));
    }
    if let Ok(message) = channel::decode::<FromWorker>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        assert_eq!(channel::decode::<FromWorker>(&written).ok(), Some(message));
    }
}

/// A page of counters full of anything, as the host reads it.
pub fn counters_page(data: &[u8]) {
    let shared = SharedCounters::create(WORDS).expect("a page");
    // Over and over, so that few bytes reach the rings behind the counters.
    for (word, bytes) in shared.words().iter().zip(data.chunks(8).cycle()) {
        let mut number = [0; 8];
        number[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(number), Ordering::Relaxed);
    }
    let fd = std::os::fd::AsFd::as_fd(&shared).try_clone_to_owned().expect("a descriptor");
    let page = CountersPage::from_fd(fd).expect("the same page");
    for stage in Stage::ALL {
        let histogram = page.histogram(stage);
        let quantiles = [0.0, 0.5, 0.99, 1.0].map(|at| histogram.quantile(at));
        assert!(quantiles.is_sorted() && quantiles[3] <= bucket_bound(BUCKETS - 1));
        assert_eq!(histogram.count() == 0, quantiles[3] == 0);
    }
    let _ = page.get(Counter::SoundServerHangs);
    let events = page.recorder().events();
    assert!(events.len() <= EVENTS && events.is_sorted_by_key(|event| event.number));
    let lines = page.log().lines();
    assert!(lines.len() <= LINES && lines.iter().all(|line| line.chars().count() <= LONGEST_LINE));
}

/// Packets of other programs' streams: two bytes of length, and a packet, and so on.
pub fn rtp_h264(data: &[u8]) {
    let mut depacketizer = Depacketizer::default();
    let mut rest = data;
    while let [high, low, tail @ ..] = rest {
        let (packet, behind) = tail.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(tail.len()));
        if let Some(unit) = depacketizer.handle_packet(packet) {
            // A start code for each length, at most.
            assert!(!unit.is_empty() && unit.len() <= data.len() * 3);
        }
        rest = behind;
    }
}

/// Video datagrams, sealed or not, as a client reads them.
pub fn video_packet(data: &[u8]) {
    if let Some(packet) = VideoOpener::new(&key()).open(&mut data.to_vec()) {
        read_video_packet(packet);
    }
    read_video_packet(data);
}

fn read_video_packet(data: &[u8]) {
    let mut reader = Reader::new(data);
    let Ok(rtp) = RtpHeader::read(&mut reader) else { return };
    assert_eq!(RtpHeader::read(&mut Reader::new(&rtp.to_bytes())), Ok(rtp));
    let Ok(header) = PacketHeader::read(&mut reader) else { return };
    assert_eq!(PacketHeader::read(&mut Reader::new(&header.to_bytes())), Ok(header));
    let FecInfo { percent, data: shards, .. } = header.fec;
    let parity = header.fec.parity();
    assert!(u32::from(parity) * 100 >= u32::from(shards) * u32::from(percent));
    if let Ok(code) = Matrix::video(shards.into(), parity.into()) {
        // Only this packet has arrived.
        let mut present = vec![false; code.columns() + code.rows()];
        if let Some(arrived) = present.get_mut(usize::from(header.fec.index)) {
            *arrived = true;
        }
        let stripe = Stripe { stride: 1, offset: 0, len: 1 };
        let repaired = repair(&code, &mut vec![0; present.len()], &present, stripe);
        assert_eq!(repaired.is_ok(), shards == 1 && usize::from(header.fec.index) < present.len());
    }
    if let Ok(frame) = FrameHeader::read(&mut reader) {
        assert_eq!(FrameHeader::read(&mut Reader::new(&frame.to_bytes())), Ok(frame));
    }
}

/// A block of video: data and parity shards, whether each arrived, content.
pub fn fec_repair(data: &[u8]) {
    let [shards, parity, length, rest @ ..] = data else { return };
    let (shards, parity, len) = (usize::from(*shards), usize::from(*parity), usize::from(*length));
    // Inverting the largest matrices takes too long to try many.
    if shards + parity > 80 || rest.is_empty() {
        return;
    }
    let stripe = Stripe { stride: len, offset: 0, len };
    let mut whole: Vec<u8> = rest.iter().copied().cycle().take((shards + parity) * len).collect();
    let Ok(()) = Encoder::new().encode(&mut whole, shards, parity, stripe) else { return };
    let bit = |index: usize| rest[index / 8 % rest.len()] >> (index % 8) & 1 == 1;
    let present: Vec<bool> = (0..shards + parity).map(bit).collect();
    let mut block = whole.clone();
    for (shard, _) in block.chunks_exact_mut(len).zip(&present).filter(|(_, present)| !**present) {
        shard.fill(0xAA);
    }
    let received = block.clone();
    let code = Matrix::video(shards, parity).expect("it was encoded with it");
    match repair(&code, &mut block, &present, stripe) {
        Ok(()) => assert_eq!(block[..shards * len], whole[..shards * len]),
        Err(error) => {
            assert!(matches!(error, RepairError::TooManyLost { .. }), "{error}");
            assert_eq!(block, received);
        }
    }
}

/// Audio datagrams as a client reads them, and their repair.
pub fn audio_packet(data: &[u8]) {
    if let Ok(Some(header)) = DataHeader::read(&mut Reader::new(data)) {
        assert_eq!(DataHeader::read(&mut Reader::new(&header.to_bytes())), Ok(Some(header)));
        let sealer = AudioSealer::new(key(), 1);
        if let Some(opus) = sealer.open(header.sequence, &data[DATA_HEADER_LEN..]) {
            let mut sealed = vec![0; AudioSealer::sealed_len(opus.len())];
            sealer.seal(header.sequence, &opus, &mut sealed);
            assert_eq!(sealed, data[DATA_HEADER_LEN..]);
        }
    }
    if let Ok(Some(header)) = ParityHeader::read(&mut Reader::new(data)) {
        assert_eq!(ParityHeader::read(&mut Reader::new(&header.to_bytes())), Ok(Some(header)));
        repair_audio(&data[PARITY_HEADER_LEN..]);
    }
}

/// Which two of the six packets are lost, and four payloads of one length.
fn repair_audio(data: &[u8]) {
    let [first, second, payloads @ ..] = data else { return };
    let len = payloads.len() / 4;
    if len == 0 {
        return;
    }
    let mut window = FecWindow::new();
    let mut whole = payloads[..4 * len].to_vec();
    let parity = payloads.chunks_exact(len).take(4).filter_map(|payload| window.push(payload).map(|two| two.concat()));
    let parity = parity.last().expect("four payloads make a block");
    whole.extend(parity);
    let lost = [usize::from(*first) % 6, usize::from(*second) % 6];
    let present: Vec<bool> = (0..6).map(|index| !lost.contains(&index)).collect();
    let mut block = whole.clone();
    lost.iter().for_each(|index| block[index * len..][..len].fill(0xAA));
    repair(&Matrix::audio(), &mut block, &present, Stripe { stride: len, offset: 0, len }).expect("two of six");
    assert_eq!(block[..4 * len], whole[..4 * len]);
}

/// Any packets in any order, as the load generator puts them together. Before the
/// packets comes `packetSize`; before each its length.
pub fn video_assembler(data: &[u8]) {
    let Some((size, packets)) = data.split_first_chunk() else { return };
    let mut assembler = Assembler::new(u16::from_le_bytes(*size).clamp(64, 9216)).keeping_pictures();
    let (mut handled, mut newest) = (0, None);
    for packet in with_lengths(packets) {
        let events: Vec<Event> = assembler.handle_packet(packet).collect();
        handled += 1;
        for event in events {
            let (first, last) = match event {
                Event::Frame(frame) => {
                    assert!(frame.bytes > 0 && assembler.picture().is_none_or(|all| (all.len() as u64) < frame.bytes));
                    (frame.index, frame.index)
                }
                Event::Lost { first, last, in_part } => {
                    assert!(u64::from(in_part) <= 1 + u64::from(last.0 - first.0));
                    (first, last)
                }
                Event::Status(status) => {
                    assert!(status.received_data <= status.total_data && status.received_parity <= status.total_parity);
                    continue;
                }
            };
            assert!(first <= last && newest.is_none_or(|newest| newest < first), "each frame ends once, in order");
            newest = Some(last);
        }
        assert!(assembler.ignored_packets() <= handled);
    }
}

/// The same for sound: each datagram is counted once. The first byte says whether the
/// stream is sealed.
pub fn audio_assembler(data: &[u8]) {
    let Some((sealed, datagrams)) = data.split_first() else { return };
    let mut assembler = AudioAssembler::new((sealed & 1 == 1).then(|| AudioSealer::new(key(), 1)));
    for (handled, datagram) in (1..).zip(with_lengths(datagrams)) {
        assembler.handle_packet(datagram);
        let counts = assembler.counts();
        assert_eq!(counts.packets + counts.parity + counts.ignored, handled);
        assert!(counts.repaired <= 2 * counts.parity && counts.undecryptable <= counts.packets + counts.repaired);
    }
}

/// Datagrams with two bytes of length before each; the last may be cut short.
fn with_lengths(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let (datagram, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)).min(behind.len()));
        rest = behind;
        Some(datagram)
    })
}

/// Bodies of API requests; the PIN in them; the answer to a wrong one.
pub fn api_body(data: &[u8]) {
    for answer in [body::parse::<WireId>(Ok(data.to_vec())).err(), body::parse::<String>(Ok(data.to_vec())).err()] {
        if let Some(ApiAnswer::Failure(_, text)) = &answer {
            assert!(!text.is_empty());
        }
        let _ = answer.map(ApiAnswer::into_response);
    }
    if let Ok(text) = body::parse::<String>(Ok(data.to_vec())) {
        let _ = Pin::parse(&text);
    }
    // What is no JSON is no body of any kind, which the above has seen.
    if serde_json::from_slice::<serde_json::Value>(data).is_err() {
        return;
    }
    let known = ROUTES.iter().filter(|route| route.reads.is_some_and(|reads| reads(data))).count();
    assert!(known == 0 || data.contains(&b'{') || data.contains(&b'['), "a body that is no object or list");
    if let Ok(record) = body::parse::<AppRecord>(Ok(data.to_vec()))
        && record.check().is_ok()
    {
        assert!((1..=0x7fff_ffff).contains(&record.app_id().0));
        if let Ok(app) = record.program() {
            assert!(app.id() == record.app_id() && (!app.test_card || app.command.is_empty()));
        }
    }
}

/// Heads of API requests: a query, and on a second line the value of a header:
/// where a subscriber begins, and the token.
pub fn api_head(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (query, header) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if let Some(token) = bearer(header) {
        assert!(!token.is_empty() && token.trim_ascii() == token);
    }
    match Start::parse(&String::from_utf8_lossy(query), Some(header)) {
        Ok(start) => assert!(start.after("x").is_some() || start.after("y").is_none()),
        Err(error) => assert!(error.to_string().len() < 1000),
    }
}

/// Configuration files.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text, Path::new("fuzz.toml")) {
        Ok(config) => assert!(!config.video.encoders.is_empty()),
        Err(error) => {
            let lines = text.split('\n').count();
            let message = error.to_string();
            let line = message.strip_prefix("fuzz.toml:").and_then(|rest| rest.split(':').next()?.parse().ok());
            assert!(line.is_some_and(|line: usize| (1..=lines).contains(&line)), "{message}");
        }
    }
}

/// The files of paired clients and of added apps.
pub fn state_file(data: &[u8]) {
    if let Ok(apps) = Apps::parse(Path::new("apps.json"), data) {
        for app in apps.list().iter() {
            assert_eq!(apps.get(app.id()).map(|found| found.id()), Some(app.id()));
        }
    }
    if let Ok(list) = Profiles::parse(Path::new("profiles.json"), data) {
        let mut written = serde_json::to_value(&list).expect("names and numbers");
        written["format"] = "earthshine profiles".into();
        written["version"] = 1.into();
        let again = Profiles::parse(Path::new("profiles.json"), written.to_string().as_bytes());
        assert_eq!(again.map(|again| again.profiles.len()).ok(), Some(list.profiles.len()));
    }
    if let Ok(clients) = PairedClients::parse(Path::new("clients.json"), data) {
        for client in clients.list() {
            assert_eq!(clients.get(client.id), Some(client.clone()));
            assert!(clients.find_short(client.id.short()).is_some());
        }
    }
}

/// What the host reads of a desktop: sway's answers, the record of its
/// processes, and the kernel's line about a process that names itself.
pub fn desktop_files(data: &[u8]) {
    if let Some(head) = data.first_chunk() {
        if let Ok(length) = sway_ipc::payload_length(head) {
            assert!(length <= sway_ipc::MAX_ANSWER);
        }
        let payload = &data[sway_ipc::HEAD..];
        let _ = sway_ipc::read_outputs(payload).map_err(|error| error.to_string());
        let _ = sway_ipc::read_outcome("nop", payload).map_err(|error| error.to_string());
    }
    if let Some(record) = Record::parse(data) {
        let written = serde_json::to_vec(&record).expect("numbers and a path");
        assert_eq!(Record::parse(&written), Some(record));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = ProcessStat::parse(1, text).map(|stat| stat.is_zombie());
    }
}

/// Any certificate, for the host's part of the proof.
fn step_certificate() -> Option<Certificate> {
    Certificate::from_pem(include_bytes!("host_certificate.pem")).ok()
}

/// Datagrams, time and orders for an ENet server.
pub fn enet_server(data: &[u8]) {
    Driver::new().play(data);
}

/// What another process left: two places with records, the state in the newest,
/// and what such a peer does then.
pub fn checkpoint(data: &[u8]) {
    let (first, second) = data.split_at(data.len() / 2);
    let newest = checkpoint::newest([first, second]);
    let state = newest.map_or(data, |record| record.state);
    let Ok((state, rest)) = postcard::take_from_bytes::<PeerState>(state) else { return };
    let mut driver = Driver::new();
    if driver.adopt(state) {
        driver.play(rest);
    }
}

/// Of the test vectors, so that recorded packets open.
fn key() -> SessionKey {
    SessionKey::new(std::array::from_fn(|at| 0x10 + u8::try_from(at).unwrap_or(0)))
}

fn query(data: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(data).into_owned().collect()
}

fn handshake() -> Handshake {
    Handshake::new(HandshakeConfig {
        offer: offer(),
        ports: Ports { video: 47998, audio: 48000, control: 47999 },
        ping_payload: PingPayload::from_random([0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18]),
        connect_data: 1,
        session_token: "DEADBEEFCAFE".to_owned(),
        max_packet_size: DEFAULT_MAX_PACKET_SIZE,
    })
}

fn offer() -> Offer {
    let every = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1].into_iter().flat_map(|codec| {
        [Chroma::Yuv420, Chroma::Yuv444]
            .into_iter()
            .flat_map(move |chroma| [false, true].map(|ten_bit| VideoProfile { codec, chroma, ten_bit }))
    });
    Offer { pen_touch: true, controller_touch_motion: true, reference_invalidation: true, ..Offer::of(every.collect()) }
}

/// Records that an earlier host left of its sessions and lobbies.
pub fn adoption_record(data: &[u8]) {
    if let Some(written) = adoption::rewritten(data) {
        let again = adoption::rewritten(&written).expect("what was written");
        let value = |bytes: &[u8]| serde_json::from_slice(bytes).expect("JSON");
        assert!(is_alike(&value(&written), &value(&again)));
    }
}

/// Whether two values are the same. A number with a fraction, which only a
/// runner has, may come back with another last digit.
fn is_alike(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (one, other) {
        (Number(one), Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= one.abs() * 1e-12,
            _ => one == other,
        },
        (Array(one), Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_alike(one, other))
        }
        (Object(one), Object(other)) => {
            let known = |(key, value)| other.get(key).is_some_and(|other| is_alike(value, other));
            one.len() == other.len() && one.iter().all(known)
        }
        _ => one == other,
    }
}

/// Messages between a host and its keeper.
pub fn keeper_message(data: &[u8]) {
    if let Ok(message) = channel::decode::<ToKeeper>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        assert_eq!(channel::decode::<ToKeeper>(&written).ok(), Some(message));
    }
    if let Ok(message) = channel::decode::<FromKeeper>(data) {
        let written = channel::encode(&message).expect("what was read is small enough");
        assert_eq!(channel::decode::<FromKeeper>(&written).ok(), Some(message));
    }
}

/// A picture out of a worker's pipe. The samples are whatever follows; those
/// of a head that wants more than there is are not made up.
pub fn raw_picture(data: &[u8]) {
    match RawPicture::read(data) {
        Ok(Some(picture)) => {
            let (width, height) = (picture.size.width, picture.size.height);
            assert!(width % 2 == 0 && height % 2 == 0 && width <= 8192 && height <= 8192);
            assert_eq!(picture.samples.len(), RawPicture::len_of(picture.size));
            let mut written = Vec::new();
            picture.write(&mut written).expect("a picture that was read");
            assert!(data.starts_with(&written));
        }
        Ok(None) => assert!(data.is_empty()),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::InvalidData),
    }
}

/// What a compositor says about DMA-BUFs: events with a letter, a length and that
/// many bytes each.
pub fn dmabuf_feedback(data: &[u8]) {
    let mut feedback = Feedback::default();
    let mut rest = data;
    while let [kind, len, tail @ ..] = rest {
        let (bytes, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        match kind {
            b't' => feedback.table(bytes),
            b'm' => feedback.main_device(bytes),
            b'd' => feedback.tranche_device(bytes),
            b'f' => feedback.tranche_formats(bytes),
            b'e' => feedback.tranche_done(),
            b'o' => bytes.iter().for_each(|format| feedback.modifier((*format).into(), 7)),
            _ => feedback.done(),
        }
        rest = tail;
    }
    feedback.done();
    if let Some(Ok(formats)) = feedback.formats() {
        let of_one = |fourcc| formats.modifiers(fourcc).count();
        assert!(formats.pairs.iter().all(|pair| (1..=formats.pairs.len()).contains(&of_one(pair.0))));
        let distinct: std::collections::HashSet<_> = formats.pairs.iter().collect();
        assert_eq!(distinct.len(), formats.pairs.len());
    }
}

/// What a host answers to the load generator: documents, URLs, RTSP.
pub fn host_answer(data: &[u8]) {
    if let Ok(answer) = rtsp::answer::Answer::read(data) {
        let seen = SeenOffer::read(&answer.body);
        assert!(seen.has(VideoCodec::H264));
        let _ = answer.header("X-SS-Ping-Payload").and_then(PingPayload::from_header);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = SessionUrl::read(text);
    let Ok(answer) = xml_reader::Answer::read(text) else { return };
    for app in answer.blocks("App") {
        let _ = (app.required("AppTitle"), app.number("ID"));
    }
    if let Ok(bytes) = answer.bytes("challengeresponse") {
        assert!(bytes.len() * 2 <= text.len());
    }
}
