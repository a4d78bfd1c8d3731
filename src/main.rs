//! The one binary: `earthshine serve`, `worker`, `doctor`, `bench`, and what
//! drives a running host (`earthshine::commands`).

#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use earthshine::api_client::ApiClient;
use earthshine::cli::{
    BenchArgs, BenchCommand, Cli, ClientsArgs, Command, DoctorArgs, DrainArgs, EncodeTrialArgs, ReloadArgs, ServeArgs,
};
use earthshine::codec::{Chroma, VideoProfile};
use earthshine::commands::CommandError;
use earthshine::commands::screenshot::PictureArgs;
use earthshine::commands::system::HealthArgs;
use earthshine::config::Config;
use earthshine::config::directories::Directories;
use earthshine::desktop::descriptor_limit;
use earthshine::gpu::GpuName;
use earthshine::stream_plan::CapturePlan;
use earthshine::units::{Bitrate, FrameRate};
use earthshine::{bench, doctor, host, keeper, worker};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    let result = match cli.command {
        Command::Worker => return worker::main::main(),
        Command::Encoders(args) => return worker::encoders::main(&args.encoders, args.json),
        Command::EncodeTrial(args) => return encode_trial(&args),
        Command::Canary(args) => return worker::canary::main(args.encoders, &args.gpu),
        Command::Gpus(args) => return worker::gpus::main(&args),
        Command::Keeper(args) => return keeper::main(&args),
        Command::Picture(PictureArgs { format, width, wayland, capture: memory, capture_device: device }) => {
            return worker::screenshot::main(&worker::screenshot::Wanted {
                format,
                width,
                wayland,
                capture: CapturePlan { memory, device, placed: None },
            });
        }
        Command::Serve(args) => serve(args),
        Command::Doctor(args) => examine(&args),
        Command::Pair(args) => done(args.run()),
        Command::Sessions(args) => done(args.run()),
        Command::Lobbies(args) => done(args.run()),
        Command::Apps(args) => done(args.run()),
        Command::Clients(args) => done(args.run()),
        Command::Events(args) => done(args.run()),
        Command::Capacity(args) => done(args.run()),
        Command::Screenshot(args) => done(args.run()),
        Command::Health(args) => health(&args),
        Command::Drain(args) => drain(&args),
        Command::Reload(args) => reload(&args),
        Command::EncodeMeasure(args) => return worker::encode_measure::main(&args.job),
        Command::Bench(BenchArgs { command: BenchCommand::Clients(args) }) => bench_clients(&args),
        Command::BenchWindow(args) => bench::window::main(&args).map(|()| ExitCode::SUCCESS),
        Command::Bench(BenchArgs { command: BenchCommand::Pipeline(args) }) => clients_runtime()
            .and_then(|runtime| runtime.block_on(bench::pipeline::run(&args)))
            .and_then(|report| bench::report::hand_over(&report, &args.report)),
        Command::Bench(BenchArgs { command: BenchCommand::Input(args) }) => clients_runtime()
            .and_then(|runtime| runtime.block_on(bench::input::run(&args)))
            .and_then(|report| bench::report::hand_over(&report, &args.report)),
        Command::PipeStream(args) => {
            return worker::pipe_stream::main(&worker::pipe_stream::Wanted {
                family: args.encoder,
                size: args.size,
                frame_rate: FrameRate::from_hz(args.fps),
                bitrate: Bitrate::from_kbps(args.bitrate),
                port: args.port,
                packet_size: args.packet_size,
            });
        }
        Command::Bench(BenchArgs { command: BenchCommand::Peers(args) }) => clients_runtime()
            .and_then(|runtime| runtime.block_on(bench::peers::run(&args)))
            .and_then(|report| bench::report::hand_over(&report, &args.report)),
        Command::Bench(BenchArgs { command: BenchCommand::Encode(args) }) => {
            bench::encode::run(&args).and_then(|report| bench::report::hand_over(&report, &args.report))
        }
        Command::Bench(BenchArgs { command: BenchCommand::Network(args) }) => {
            bench::network::run(&args).and_then(|report| bench::report::hand_over(&report, &args.report))
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("earthshine: {error:#}");
        ExitCode::FAILURE
    })
}

fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    // What the one who starts us left open is not for desktops and workers.
    if let Err(error) = earthshine_ffi::process::close_on_exec_from(3) {
        tracing::warn!(%error, "descriptors that were open at the start reach desktops too");
    }
    descriptor_limit::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HOST_THREADS)
        .thread_name("host")
        .enable_all()
        .build()
        .context("cannot start the host's threads")?;
    runtime.block_on(host::serve::serve(args))?;
    // Handshakes and file writes that hang must not keep the process.
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

fn encode_trial(args: &EncodeTrialArgs) -> ExitCode {
    let chroma = if args.yuv444 { Chroma::Yuv444 } else { Chroma::Yuv420 };
    let profile = VideoProfile { codec: args.codec, chroma, ten_bit: args.ten_bit };
    let gpu = args.gpu.as_ref().and_then(GpuName::address);
    let trial = worker::encode_trial::Trial { family: args.encoder, gpu, profile, size: args.size };
    worker::encode_trial::main(&trial, &args.stream)
}

fn examine(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    if args.encode_test {
        let report = doctor::test_encoders()?;
        println!("{report}");
        return Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let config = Config::load(args.config.as_deref())?;
    let directories = Directories::choose(None, None);
    let report =
        doctor::examine(&config, &directories, doctor::Ports { bind: host::bind::any_address(), base: args.port });
    if args.json {
        println!("{}", report.to_json());
    } else {
        println!("{report}");
    }
    Ok(if report.can_stream() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn done(outcome: Result<(), CommandError>) -> anyhow::Result<ExitCode> {
    outcome?;
    Ok(ExitCode::SUCCESS)
}

fn health(args: &HealthArgs) -> anyhow::Result<ExitCode> {
    Ok(if args.run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn drain(args: &DrainArgs) -> anyhow::Result<ExitCode> {
    let host = ApiClient::new(api_socket(args.api_socket.clone())).drain(args.exit, args.deadline, args.cancel)?;
    println!("{}: {} sessions, {} lobbies", host["state"].as_str().unwrap_or("?"), host["sessions"], host["lobbies"]);
    Ok(ExitCode::SUCCESS)
}

fn reload(args: &ReloadArgs) -> anyhow::Result<ExitCode> {
    let outcome = ApiClient::new(api_socket(args.api_socket.clone())).reload()?;
    let list = |name: &str| {
        let keys = outcome[name].as_array().into_iter().flatten();
        keys.filter_map(|key| key.as_str()).collect::<Vec<_>>().join(", ")
    };
    println!("changed: {}\nneeds a restart: {}", list("changed"), list("needs_restart"));
    Ok(ExitCode::SUCCESS)
}

/// As given, or the usual one.
fn api_socket(given: Option<PathBuf>) -> PathBuf {
    given.unwrap_or_else(|| Directories::choose(None, None).runtime.join("api.sock"))
}

fn bench_clients(args: &ClientsArgs) -> anyhow::Result<ExitCode> {
    let report = clients_runtime()?.block_on(bench::clients::run(args))?;
    bench::report::hand_over_as(&report.report, &args.report, &report.to_json(), &report.to_string())
}

fn clients_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(BENCH_THREADS)
        .thread_name("clients")
        .enable_all()
        .build()
        .context("cannot start the clients' threads")
}

/// Structured logs on standard error: for eyes on a terminal, else JSON lines.
/// `EARTHSHINE_LOG` sets what is logged, as in `info,earthshine::host=debug`.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("EARTHSHINE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    // Workers and the keeper outlive whoever reads the host's log: a line that
    // nobody takes is lost, and must not end them.
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr.and(worker::last_words::writer))
        .log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        logs.init();
    } else {
        logs.json().init();
    }
}

/// The host waits; it does not compute. Two threads so that one slow poll does
/// not hold up the others.
const HOST_THREADS: usize = 2;

/// Receiving and decrypting is cheap; more would only take cores from a host on
/// the same machine.
const BENCH_THREADS: usize = 2;
