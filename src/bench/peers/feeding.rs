//! One program, fed with one content for some seconds.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, ensure};
use earthshine_ffi::openh264::Decoder;
use rustix::pipe::fcntl_setpipe_size;

use super::fed::Program;
use super::program::Running;
use super::receiver::Receiver;
use super::round::{COMPARED, Round, WARM_UP};
use crate::bench::canvas::Canvas;
use crate::bench::clients::player::Arrived;
use crate::bench::usage::{Family, Memory, ProcessorTime};
use crate::cli::PeersArgs;
use crate::clock::Micros;
use crate::content::Content;
use crate::frame_marker::Marker;
use crate::quality::{Plane, psnr, ssim};
use crate::units::{FrameRate, Size};

/// What was fed, and what that took.
struct Fed {
    /// When each frame was handed over.
    handed: Vec<Micros>,
    processor_seconds: f64,
    memory: f64,
}

/// Starts it, feeds it, and decodes what it sent.
pub(super) fn measure(program: &Program, content: Content, args: &PeersArgs) -> anyhow::Result<Round> {
    let (frames, arrived) = mpsc::channel();
    let receiver = Receiver::start(program.packets, move |frame| drop(frames.send(frame)))?;
    let log = tempfile::NamedTempFile::new().context("no temporary file")?;
    let child = program
        .command(receiver.port)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log.reopen()?)
        .spawn()
        .with_context(|| format!("cannot start {}", program.name))?;
    let mut running = Running(child);
    let mut canvas = Canvas::new(content, args.size);
    let fed = feed(&mut running, &mut canvas, args);
    receiver.finish()?;
    drop(running);
    let said = || std::fs::read_to_string(log.path()).unwrap_or_default();
    let fed = fed.with_context(said)?;
    let received: Vec<_> = arrived.into_iter().collect();
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

/// Decodes all, and compares some.
#[allow(clippy::cast_precision_loss, reason = "figures for eyes")]
fn judge(received: &[Arrived], fed: &Fed, canvas: &mut Canvas, args: &PeersArgs) -> anyhow::Result<Round> {
    let mut decoder = Decoder::open()?;
    let first = WARM_UP * args.fps;
    let compare_every = (args.seconds * args.fps / COMPARED).max(1);
    let mut round = Round { memory: fed.memory, ..Round::default() };
    for frame in received {
        let Ok(picture) = decoder.decode(&frame.picture) else {
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
        round.kilobytes.push(frame.picture.len() as f64 / 1e3);
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

/// Bytes: the most that a user may have.
const PIPE: usize = 1 << 20;
