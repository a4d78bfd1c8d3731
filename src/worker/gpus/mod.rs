//! `earthshine gpus`: what GPUs say of themselves.
//!
//! The host runs it in a process of its own (`host/gpus`), because asking a driver
//! may hang; that is what this process is for. With `--every` it prints a line of
//! JSON a round ([`GpuReport`]), until nobody reads any more; else it prints what it
//! found, for people or as one line, and ends.

mod nvidia;
mod sysfs;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpid, kill_process};

use self::nvidia::Nvidia;
use crate::cli::GpusArgs;
use crate::ipc::gpu_report::GpuReport;

/// Runs it.
#[must_use]
pub fn main(args: &GpusArgs) -> ExitCode {
    let mut gpus = Gpus::default();
    let printed = match args.every {
        Some(seconds) => gpus.print_rounds(Duration::from_secs(seconds)),
        None if args.json => print_line(gpus.report()),
        None => print_for_people(&gpus.report()),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        // A host that is gone reads nothing.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("earthshine: gpus: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All that can be asked.
#[derive(Debug, Default)]
struct Gpus {
    nvidia: Nvidia,
}

impl Gpus {
    fn report(&mut self) -> GpuReport {
        let started = Instant::now();
        let (mut gpus, error) = self.nvidia.ask();
        // What its own library does not tell of is listed all the same.
        let known: Vec<_> = gpus.iter().map(|gpu| gpu.bus_id.clone()).collect();
        gpus.extend(sysfs::gpus().into_iter().filter(|gpu| !known.contains(&gpu.bus_id)));
        let took_microseconds = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        GpuReport { gpus, error, took_microseconds }
    }

    fn print_rounds(&mut self, pause: Duration) -> io::Result<()> {
        let (alone, is_alone) = mpsc::channel();
        std::thread::Builder::new().name("reader".to_owned()).spawn(move || end_without_reader(&alone))?;
        loop {
            print_line(self.report())?;
            match is_alone.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}

/// Waits until nobody reads what is printed, says so, and ends the process if that
/// does not: it hangs in a driver, and nobody else knows of it.
fn end_without_reader(alone: &mpsc::Sender<()>) {
    let out = io::stdout();
    // The end of a pipe whose reader is gone is in error (poll(2)).
    while poll(&mut [PollFd::new(&out, PollFlags::empty())], None).is_err() {}
    let _ = alone.send(());
    std::thread::sleep(GRACE);
    let _ = kill_process(getpid(), Signal::KILL);
}

fn print_line(report: GpuReport) -> io::Result<()> {
    let line = report.write()?;
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

fn print_for_people(report: &GpuReport) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for gpu in &report.gpus {
        writeln!(out, "{}  {gpu}", gpu.bus_id)?;
    }
    if report.gpus.is_empty() {
        writeln!(out, "no GPU")?;
    }
    if !report.error.is_empty() {
        writeln!(out, "NVIDIA: {}", report.error)?;
    }
    Ok(())
}

/// How long the end may take.
const GRACE: Duration = Duration::from_secs(2);
