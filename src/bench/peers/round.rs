//! One program, fed with one content for some seconds.

use std::io::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use earthshine_ffi::openh264::Decoder;
use rustix::pipe::fcntl_setpipe_size;
use socket2::{Domain, Protocol, Socket, Type};

use super::program::{PACKET_SIZE, Packets, Program};
use super::rtp_h264::Depacketizer;
use crate::bench::canvas::Canvas;
use crate::bench::usage::{Family, Memory, ProcessorTime};
use crate::cli::PeersArgs;
use crate::clock::Micros;
use crate::content::Content;
use crate::frame_marker::Marker;
use crate::protocol::video::assembler::{Assembler, Event};
use crate::quality::{Plane, psnr, ssim};
use crate::units::{FrameRate, Size};

/// What a round has shown.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// From handing over to the last packet, of every frame that came.
    pub(super) millis: Vec<f64>,
    pub(super) kilobytes: Vec<f64>,
    pub(super) processor_millis: f64,
    pub(super) memory: f64,
    pub(super) kbps: f64,
    pub(super) missing_a_second: f64,
    pub(super) wrong: u32,
    pub(super) psnr: Vec<f64>,
    pub(super) ssim: Vec<f64>,
}

/// A frame that came.
struct Received {
    unit: Vec<u8>,
    whole: Micros,
}

/// What was fed, and what that took.
struct Fed {
    /// When each frame was handed over.
    handed: Vec<Micros>,
    processor_seconds: f64,
    memory: f64,
}

/// A child that ends with us.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

/// Starts it, feeds it, and decodes what it sent.
pub(super) fn measure(program: &Program, content: Content, args: &PeersArgs) -> anyhow::Result<Round> {
    let socket = receiver()?;
    let log = tempfile::NamedTempFile::new().context("no temporary file")?;
    let child = program
        .command(socket.local_addr()?.port())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log.reopen()?)
        .spawn()
        .with_context(|| format!("cannot start {}", program.name))?;
    let mut running = Running(child);
    let done = Arc::new(AtomicBool::new(false));
    let receiving = std::thread::spawn({
        let (done, packets) = (Arc::clone(&done), program.packets);
        move || receive(&socket, packets, &done)
    });
    let mut canvas = Canvas::new(content, args.size);
    let fed = feed(&mut running, &mut canvas, args);
    done.store(true, Ordering::Relaxed);
    let received = receiving.join().ok().context("the receiver has panicked")?;
    drop(running);
    let said = || std::fs::read_to_string(log.path()).unwrap_or_default();
    let fed = fed.with_context(said)?;
    ensure!(!received.is_empty(), "it sent no frame; it said: {}", said());
    judge(&received, &fed, &mut canvas, args)
}

fn feed(running: &mut Running, canvas: &mut Canvas, args: &PeersArgs) -> anyhow::Result<Fed> {
    let mut pipe = running.0.stdin.take().context("no pipe")?;
    // As much of a picture as a pipe takes; less is slower, and no error.
    let _ = fcntl_setpipe_size(&pipe, PIPE);
    let watched = [("all", running.0.id(), Family::WithDescendants)];
    let interval = FrameRate::from_hz(args.fps).interval();
    let frames = (WARM_UP + args.seconds) * args.fps;
    let (began, mut handed) = (Instant::now(), Vec::new());
    let mut before = (ProcessorTime::default(), began);
    for number in 0..frames {
        if number == WARM_UP * args.fps {
            before = (ProcessorTime::look(&watched), Instant::now());
        }
        canvas.paint(number);
        canvas.mark(Marker { number, time: Micros::now() });
        std::thread::sleep((interval * number).saturating_sub(began.elapsed()));
        pipe.write_all(canvas.pixels()).context("it takes no more pictures")?;
        handed.push(Micros::now());
    }
    // What is still in it comes out while it waits for the next picture.
    std::thread::sleep(interval * 4);
    let wall = before.1.elapsed().as_secs_f64();
    let percent = ProcessorTime::look(&watched).percent_since(&before.0, wall);
    let processor_seconds = percent.values().sum::<f64>() / 100.0 * wall;
    Ok(Fed { handed, processor_seconds, memory: Memory::of(running.0.id()).resident })
}

fn receive(socket: &UdpSocket, packets: Packets, done: &AtomicBool) -> Vec<Received> {
    let (mut rtp, mut ours) = (Depacketizer::default(), Assembler::new(PACKET_SIZE).keeping_pictures());
    let (mut received, mut buffer) = (Vec::new(), [0; LARGEST_DATAGRAM]);
    loop {
        let Ok(length) = socket.recv(&mut buffer) else {
            if done.load(Ordering::Relaxed) {
                return received;
            }
            continue;
        };
        let packet = &buffer[..length];
        let unit = match packets {
            Packets::Rtp => rtp.handle_packet(packet),
            Packets::Ours => {
                let whole = ours.handle_packet(packet).any(|event| matches!(event, Event::Frame(_)));
                ours.picture().filter(|_| whole).map(<[u8]>::to_vec)
            }
        };
        received.extend(unit.map(|unit| Received { unit, whole: Micros::now() }));
    }
}

/// Decodes all, and compares some.
#[allow(clippy::cast_precision_loss, reason = "figures for eyes")]
fn judge(received: &[Received], fed: &Fed, canvas: &mut Canvas, args: &PeersArgs) -> anyhow::Result<Round> {
    let mut decoder = Decoder::open()?;
    let first = WARM_UP * args.fps;
    let compare_every = (args.seconds * args.fps / COMPARED).max(1);
    let mut round = Round { memory: fed.memory, ..Round::default() };
    for frame in received {
        let Ok(picture) = decoder.decode(&frame.unit) else {
            round.wrong += 1;
            continue;
        };
        let at = |x: u32, y: u32| picture.samples.get(y as usize * picture.stride + x as usize).copied().unwrap_or(0);
        let marker = Marker::read(args.size, at);
        let known = marker.and_then(|marker| Some((marker, fed.handed.get(marker.number as usize)?)));
        let Some((marker, handed)) = known else {
            round.wrong += 1;
            continue;
        };
        if marker.number < first {
            continue;
        }
        round.millis.push(frame.whole.since(*handed) as f64 / 1e3);
        round.kilobytes.push(frame.unit.len() as f64 / 1e3);
        if marker.number.is_multiple_of(compare_every) {
            let Size { width, height } = args.size;
            let rows = picture.samples.chunks(picture.stride).take(height as usize);
            let decoded: Vec<u8> = rows.flat_map(|row| &row[..(width as usize).min(row.len())]).copied().collect();
            canvas.paint(marker.number);
            canvas.mark(marker);
            let (drawn, width) = (canvas.luma(), width as usize);
            let (drawn, decoded) = (Plane { samples: &drawn, width }, Plane { samples: &decoded, width });
            round.psnr.push(psnr(drawn, decoded));
            round.ssim.push(ssim(drawn, decoded));
        }
    }
    let (frames, seconds) = (f64::from(args.seconds * args.fps), f64::from(args.seconds));
    ensure!(!round.millis.is_empty(), "no frame came after the first {WARM_UP} seconds");
    round.processor_millis = fed.processor_seconds * 1e3 / frames;
    round.kbps = round.kilobytes.iter().sum::<f64>() * 8.0 / seconds;
    round.missing_a_second = (frames - round.millis.len() as f64).max(0.0) / seconds;
    Ok(round)
}

fn receiver() -> anyhow::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(QUIET))?;
    Ok(socket)
}

/// Seconds until rate control has found its level.
const WARM_UP: u32 = 2;
/// Frames of a round that are compared with what was fed.
const COMPARED: u32 = 24;
/// Bytes: the most that a user may have.
const PIPE: usize = 1 << 20;
const BUFFER: usize = 8 << 20;
const LARGEST_DATAGRAM: usize = 65_536;
/// Nothing comes for so long: it is over, if nothing is fed any more.
const QUIET: Duration = Duration::from_millis(300);
