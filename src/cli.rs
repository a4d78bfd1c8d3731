//! The command line. Its flags are fixed: operators' scripts rely on them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::codec::VideoCodec;
use crate::commands::apps::AppsArgs;
use crate::commands::clients::ClientsCommandArgs;
use crate::commands::events::EventsArgs;
use crate::commands::lobbies::LobbiesArgs;
use crate::commands::pairing::PairArgs;
use crate::commands::screenshot::{PictureArgs, ScreenshotArgs};
use crate::commands::sessions::SessionsArgs;
use crate::commands::system::{CapacityArgs, HealthArgs};
use crate::content::Content;
use crate::gpu::GpuName;
use crate::stream_plan::EncoderFamily;
use crate::units::Size;

/// A Moonlight host for headless GPU machines.
#[derive(Debug, Parser)]
#[command(name = "earthshine", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer Moonlight clients on this machine.
    Serve(ServeArgs),
    /// Say what this machine offers and what is missing.
    Doctor(DoctorArgs),
    /// Enter the PIN that a Moonlight client shows, or say who waits for one.
    Pair(PairArgs),
    /// What streams.
    Sessions(SessionsArgs),
    /// Desktops that outlive their visitors.
    Lobbies(LobbiesArgs),
    /// What clients can launch.
    Apps(AppsArgs),
    /// Who is paired.
    Clients(ClientsCommandArgs),
    /// What happens, as it happens.
    Events(EventsArgs),
    /// What a session or a lobby shows, as a picture.
    Screenshot(ScreenshotArgs),
    /// What runs, what it uses, and what still fits.
    Capacity(CapacityArgs),
    /// What the GPUs of this machine say of themselves.
    Gpus(GpusArgs),
    /// Have a running host take nobody new.
    Drain(DrainArgs),
    /// Have a running host read its configuration file again.
    Reload(ReloadArgs),
    /// What the encoders of this machine can do, as their drivers say.
    Encoders(EncodersArgs),
    /// Measure a running host from outside, or parts of one.
    Bench(BenchArgs),
    /// Say whether a running host is well: exit status 0, or 1 if it is critical or
    /// does not answer.
    Health(HealthArgs),
    /// A second of video through one encoder; run by `doctor --encode-test`.
    #[command(hide = true)]
    EncodeTrial(EncodeTrialArgs),
    /// Some seconds of video through one encoder; run by `bench encode`.
    #[command(hide = true)]
    EncodeMeasure(EncodeMeasureArgs),
    /// Raw pictures from standard input to a socket; run by `bench peers`.
    #[command(hide = true)]
    PipeStream(PipeStreamArgs),
    /// A window with built-in content; run on the desktops of `bench`.
    #[command(hide = true)]
    BenchWindow(BenchWindowArgs),
    /// A few frames through the data path; run by `serve` now and then.
    #[command(hide = true)]
    Canary(CanaryArgs),
    /// Makes a file of a picture; run by `serve` for screenshots.
    #[command(hide = true)]
    Picture(PictureArgs),
    /// One stream; started by `serve`.
    #[command(hide = true)]
    Worker,
    /// Holds what must outlive a host; started by `serve`.
    #[command(hide = true)]
    Keeper(KeeperArgs),
}

/// `earthshine keeper`.
#[derive(Debug, Args)]
pub struct KeeperArgs {
    /// Runtime directory of the host.
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: PathBuf,
    /// How long to wait for another host.
    #[arg(long, value_name = "MS")]
    pub grace_ms: u64,
}

/// `earthshine serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML) on top of the built-in defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where identity, paired clients, homes and logs are kept.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Where sockets of running desktops are.
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
    /// Address to listen on; all of them if not given.
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<IpAddr>,
    /// HTTP port; all other ports are fixed offsets from it.
    #[arg(long, value_name = "BASE", default_value_t = DEFAULT_BASE_PORT)]
    pub port: u16,
    /// Unix socket of the REST API; in the runtime directory if not given.
    #[arg(long, value_name = "PATH")]
    pub api_socket: Option<PathBuf>,
    /// Address of the Prometheus metrics; loopback, base port + 1, if not given.
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Go on with what a running host with the same directories runs, in its
    /// place; start as usual if there is none.
    #[arg(long)]
    pub take_over: bool,
}

/// `earthshine drain`.
#[derive(Debug, Args)]
pub struct DrainArgs {
    /// End the host when nothing runs any more.
    #[arg(long)]
    pub exit: bool,
    /// End it after so many seconds, whatever runs.
    #[arg(long, value_name = "SECONDS")]
    pub deadline: Option<u64>,
    /// Take everybody again.
    #[arg(long, conflicts_with_all = ["exit", "deadline"])]
    pub cancel: bool,
    /// Unix socket of the host's REST API.
    #[arg(long, value_name = "PATH")]
    pub api_socket: Option<PathBuf>,
}

/// `earthshine reload`.
#[derive(Debug, Args)]
pub struct ReloadArgs {
    /// Unix socket of the host's REST API.
    #[arg(long, value_name = "PATH")]
    pub api_socket: Option<PathBuf>,
}

/// `earthshine doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Configuration file that `serve` would get.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Base port that `serve` would get.
    #[arg(long, value_name = "BASE", default_value_t = DEFAULT_BASE_PORT)]
    pub port: u16,
    /// Instead, have every encoder of this machine encode, decode that with ffmpeg,
    /// and print a report to pass on.
    #[arg(long, conflicts_with = "json")]
    pub encode_test: bool,
}

/// `earthshine encode-trial`.
#[derive(Debug, Args)]
pub struct EncodeTrialArgs {
    /// Whose encoder.
    #[arg(long, value_name = "NAME", value_parser = parse_encoder)]
    pub encoder: EncoderFamily,
    /// On which GPU; the first that does it, if not given.
    #[arg(long, value_name = "GPU")]
    pub gpu: Option<GpuName>,
    /// h264, hevc or av1.
    #[arg(long, value_name = "CODEC", value_parser = parse_codec)]
    pub codec: VideoCodec,
    /// 10 bits instead of 8.
    #[arg(long)]
    pub ten_bit: bool,
    /// 4:4:4 instead of 4:2:0.
    #[arg(long)]
    pub yuv444: bool,
    /// Picture size.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    pub size: Size,
    /// Where the elementary stream goes.
    #[arg(long, value_name = "FILE")]
    pub stream: PathBuf,
}

/// `earthshine canary`.
#[derive(Debug, Args)]
pub struct CanaryArgs {
    /// Encoders to try, in this order.
    #[arg(long, value_name = "NAMES", value_parser = parse_encoder, value_delimiter = ',', default_value = "software")]
    pub encoders: Vec<EncoderFamily>,
    /// GPU to encode on, by its place on the PCI bus or its render node.
    #[arg(long, value_name = "GPU", default_value = "auto")]
    pub gpu: GpuName,
}

/// `earthshine encoders`.
#[derive(Debug, Args)]
pub struct EncodersArgs {
    /// Encoders to ask.
    #[arg(long, value_name = "NAMES", value_parser = parse_encoder, value_delimiter = ',', default_value = "nvenc,vaapi,vulkan,software")]
    pub encoders: Vec<EncoderFamily>,
    /// Print JSON, in one line.
    #[arg(long)]
    pub json: bool,
}

/// `earthshine gpus`.
#[derive(Debug, Args)]
pub struct GpusArgs {
    /// Print a line of JSON so often, until nobody reads it.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: Option<u64>,
    /// Print one line of JSON.
    #[arg(long, conflicts_with = "every")]
    pub json: bool,
}

/// `earthshine bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Play Moonlight clients that do not decode, and report what each got.
    Clients(ClientsArgs),
    /// Stream built-in content from an application to a client that decodes it, all on this
    /// machine, and report what each part of the way takes.
    Pipeline(PipelineArgs),
    /// Feed built-in content to GStreamer, FFmpeg and ourselves, have wf-recorder, pixelflux and
    /// ourselves capture it from a screen, as far as they are installed, and report what each
    /// takes and what is left of the picture.
    Peers(PeersArgs),
    /// Press keys and buttons, and report how long it takes until a client has decoded the
    /// application's answer.
    Input(InputArgs),
    /// Encode built-in content, and report times, sizes and what is left of the picture.
    Encode(EncodeArgs),
    /// Stream over bad networks, with fixed settings and with those that follow the network,
    /// and report what is lost, late and frozen.
    Network(NetworkArgs),
}

/// `earthshine bench pipeline`.
#[derive(Debug, Args)]
pub struct PipelineArgs {
    /// Encoders, of nvenc, vaapi, vulkan and software; a host is started for each.
    #[arg(long, value_name = "NAMES", value_parser = parse_encoder, value_delimiter = ',', default_value = "software")]
    pub encoders: Vec<EncoderFamily>,
    /// Picture sizes.
    #[arg(long, value_name = "SIZES", value_parser = parse_size, value_delimiter = ',', default_value = "1920x1080")]
    pub sizes: Vec<Size>,
    /// Frame rates, which the application draws at, too.
    #[arg(long, value_name = "HZ", value_delimiter = ',', default_value = "60", value_parser = clap::value_parser!(u32).range(10..=480))]
    pub fps: Vec<u32>,
    /// Bit rates in kbit/s.
    #[arg(long, value_name = "KBPS", value_delimiter = ',', default_value = "20000", value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    pub bitrates: Vec<u32>,
    /// What is shown, of still, text, game, noise and cuts.
    #[arg(
        long = "content",
        value_name = "NAMES",
        value_enum,
        value_delimiter = ',',
        default_value = "still,text,game"
    )]
    pub contents: Vec<Content>,
    /// Endless loops on each core that want the processor, too.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub busy: u32,
    /// Streams' threads do not go before others (`host.real_time`).
    #[arg(long = "no-real-time", action = clap::ArgAction::SetFalse)]
    pub real_time: bool,
    /// How long each case is measured, after two seconds that are not.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// How often each case is measured; noise cannot be told with fewer than three.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Do not compare pictures with what was drawn.
    #[arg(long = "no-quality", action = clap::ArgAction::SetFalse)]
    pub quality: bool,
    /// Where the report goes.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `earthshine bench input`.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// Encoder, of nvenc, vaapi, vulkan and software.
    #[arg(long, value_name = "NAME", value_parser = parse_encoder, default_value = "software")]
    pub encoder: EncoderFamily,
    /// Picture size.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720", value_parser = parse_size)]
    pub size: Size,
    /// Frames per second of the stream.
    #[arg(long, value_name = "HZ", default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=480))]
    pub fps: u32,
    /// The whole stream's bit rate.
    #[arg(long, value_name = "KBPS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    pub bitrate: u32,
    /// What moves on the busy screen, of text, game, noise and cuts.
    #[arg(long, value_name = "NAME", value_enum, default_value = "text")]
    pub content: Content,
    /// Refresh rates of the output, in multiples of the stream's.
    #[arg(long, value_name = "TIMES", value_delimiter = ',', default_value = "1,2,4", value_parser = clap::value_parser!(u32).range(1..=8))]
    pub refresh: Vec<u32>,
    /// Keys and buttons that are pressed in a round.
    #[arg(long, value_name = "COUNT", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub presses: u32,
    /// How often each case is measured; noise cannot be told with fewer than three.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Where the report goes.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// Who is compared with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PeerGroup {
    /// Raw pictures come through a pipe.
    Fed,
    /// It captures a screen by itself.
    Captured,
}

impl PeerGroup {
    /// As `--groups` and the report have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fed => "fed",
            Self::Captured => "captured",
        }
    }
}

/// `earthshine bench peers`.
#[derive(Debug, Args)]
pub struct PeersArgs {
    /// Picture size.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1920x1080", value_parser = parse_size)]
    pub size: Size,
    /// Frames per second.
    #[arg(long, value_name = "HZ", default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=480))]
    pub fps: u32,
    /// Bit rate in kbit/s.
    #[arg(long, value_name = "KBPS", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(500..=1_000_000))]
    pub bitrate: u32,
    /// What is encoded, of still, text, game, noise and cuts.
    #[arg(long = "content", value_name = "NAMES", value_enum, value_delimiter = ',', default_value = "text,game")]
    pub contents: Vec<Content>,
    /// Ours, of nvenc, vaapi, vulkan and software.
    #[arg(long, value_name = "NAMES", value_parser = parse_encoder, value_delimiter = ',', default_value = "software")]
    pub encoders: Vec<EncoderFamily>,
    /// Those who are fed with pictures, or those who capture a screen.
    #[arg(long, value_name = "GROUPS", value_enum, value_delimiter = ',', default_value = "fed,captured")]
    pub groups: Vec<PeerGroup>,
    /// Only those whose name has one of these words in it.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// A Python that has pixelflux, if there is one.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub pixelflux_python: String,
    /// How long each is measured, after two seconds that are not.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// How often each case is measured; noise cannot be told with fewer than three.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Where the report goes.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `earthshine pipe-stream`.
#[derive(Debug, Args)]
pub struct PipeStreamArgs {
    /// Whose encoder.
    #[arg(long, value_name = "NAME", value_parser = parse_encoder)]
    pub encoder: EncoderFamily,
    /// Picture size.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    pub size: Size,
    /// Frames per second.
    #[arg(long, value_name = "HZ")]
    pub fps: u32,
    /// Bit rate in kbit/s.
    #[arg(long, value_name = "KBPS")]
    pub bitrate: u32,
    /// UDP port of this machine that takes the packets.
    #[arg(long, value_name = "PORT")]
    pub port: u16,
    /// Bytes of a packet behind its RTP part.
    #[arg(long, value_name = "BYTES")]
    pub packet_size: u16,
}

/// `earthshine bench-window`.
#[derive(Debug, Args)]
pub struct BenchWindowArgs {
    /// What is shown.
    #[arg(long, value_name = "NAME", value_enum)]
    pub content: Content,
    /// Frames a second; as many as the output shows, if not given.
    #[arg(long, value_name = "HZ")]
    pub fps: Option<u32>,
    /// Draw in answer to input alone.
    #[arg(long)]
    pub still: bool,
    /// Change a colour with every key and button that is pressed.
    #[arg(long)]
    pub answers: bool,
}

/// Where a measurement's report goes.
#[derive(Debug, Default, Args)]
pub struct ReportArgs {
    /// Write the report as JSON to a file, or with - to standard output instead of the
    /// table.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write it as a page with plots.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Compare with the JSON of an earlier run; the exit status is 1 if something is worse
    /// by more than noise.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
}

/// `earthshine bench encode`.
#[derive(Debug, Args)]
pub struct EncodeArgs {
    /// Encoders, of nvenc, vaapi, vulkan and software.
    #[arg(long, value_name = "NAMES", value_parser = parse_encoder, value_delimiter = ',', default_value = "software")]
    pub encoders: Vec<EncoderFamily>,
    /// On which GPU; the first that does it, if not given.
    #[arg(long, value_name = "GPU")]
    pub gpu: Option<GpuName>,
    /// Codecs, of h264, hevc and av1.
    #[arg(long, value_name = "NAMES", value_parser = parse_codec, value_delimiter = ',', default_value = "h264")]
    pub codecs: Vec<VideoCodec>,
    /// 10 bits instead of 8.
    #[arg(long)]
    pub ten_bit: bool,
    /// Picture sizes.
    #[arg(long, value_name = "SIZES", value_parser = parse_size, value_delimiter = ',', default_value = "1920x1080")]
    pub sizes: Vec<Size>,
    /// Frame rates that the bit rate is spread over.
    #[arg(long, value_name = "HZ", value_delimiter = ',', default_value = "60", value_parser = clap::value_parser!(u32).range(1..=480))]
    pub fps: Vec<u32>,
    /// Bit rates in kbit/s.
    #[arg(long, value_name = "KBPS", value_delimiter = ',', default_value = "20000", value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub bitrates: Vec<u32>,
    /// Presets of NVENC, 1 to 7.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u8).range(1..=7))]
    pub presets: Vec<u8>,
    /// What is encoded, of still, text, game, noise and cuts.
    #[arg(
        long = "content",
        value_name = "NAMES",
        value_enum,
        value_delimiter = ',',
        default_value = "still,text,game,noise,cuts"
    )]
    pub contents: Vec<Content>,
    /// Slices of a frame.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub slices: u8,
    /// Length of the content in its own time.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// How often each case is measured; noise cannot be told with fewer than three.
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// A frame an interval, as a stream does it, and not one after the other.
    #[arg(long)]
    pub paced: bool,
    /// Do not decode and compare, which takes longer than encoding.
    #[arg(long = "no-quality", action = clap::ArgAction::SetFalse)]
    pub quality: bool,
    /// Where the report goes.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `earthshine bench network`.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// Networks, of clean, loss, wifi, step and bufferbloat; all of them if not given.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub traces: Vec<String>,
    /// Stream with a host, its worker and a client, through network namespaces and in real
    /// time; without, both ends are simulated in virtual time. Needs root or a user namespace.
    #[arg(long)]
    pub real_time: bool,
    /// How long each trace is.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// How often each is streamed over, with other losses and frame sizes; 5 if not given, or
    /// 1 in real time.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Seed of the first round; the next ones have the numbers after it.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub seed: u32,
    /// Where the report goes.
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `earthshine encode-measure`.
#[derive(Debug, Args)]
pub struct EncodeMeasureArgs {
    /// JSON of what is measured.
    #[arg(value_name = "FILE")]
    pub job: PathBuf,
}

/// `earthshine bench clients`.
#[derive(Debug, Args)]
pub struct ClientsArgs {
    /// Address or name of the host.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// Its HTTP port.
    #[arg(long, value_name = "BASE", default_value_t = DEFAULT_BASE_PORT)]
    pub port: u16,
    /// Unix socket of the host's REST API, to enter PINs; without one, PINs are
    /// printed for somebody to enter.
    #[arg(long, value_name = "PATH")]
    pub api_socket: Option<PathBuf>,
    /// Where the clients' certificates are kept, so that they pair once; in the
    /// state directory if not given.
    #[arg(long, value_name = "DIR")]
    pub identities: Option<PathBuf>,
    /// How many clients.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1)]
    pub clients: usize,
    /// Title of the app that they launch.
    #[arg(long, value_name = "TITLE", default_value = "Test card")]
    pub app: String,
    /// Picture size.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720", value_parser = parse_size)]
    pub size: Size,
    /// Frames per second.
    #[arg(long, value_name = "HZ", default_value_t = 60)]
    pub fps: u32,
    /// The whole stream's bit rate.
    #[arg(long, value_name = "KBPS", default_value_t = 10_000)]
    pub bitrate: u32,
    /// h264, hevc or av1.
    #[arg(long, value_name = "CODEC", default_value = "h264", value_parser = parse_codec)]
    pub codec: VideoCodec,
    /// How long they stream once all have started.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub seconds: u64,
    /// Encrypt video and sound too; RTSP and control are if the host offers it.
    #[arg(long)]
    pub encrypt: bool,
    /// Be a client too old for encrypted RTSP. They shake hands one by one.
    #[arg(long)]
    pub plain_rtsp: bool,
    /// Move the mouse and press keys.
    #[arg(long)]
    pub input: bool,
    /// Milliseconds from one client's start to the next one's.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub stagger: u64,
    /// Where the report goes.
    #[command(flatten)]
    pub report: ReportArgs,
    /// TLS handshakes that are begun, not finished and held open meanwhile.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub stalled_handshakes: usize,
    /// Whole TLS handshakes to time; 200 if some are stalled, else none.
    #[arg(long, value_name = "COUNT")]
    pub tls_handshakes: Option<usize>,
}

pub(crate) fn parse_size(text: &str) -> Result<Size, String> {
    let size = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match size {
        Some((width, height)) if width > 0 && height > 0 => Ok(Size::new(width, height)),
        _ => Err("expected WIDTHxHEIGHT in pixels, as in 1280x720".to_owned()),
    }
}

fn parse_codec(text: &str) -> Result<VideoCodec, String> {
    let all = [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1];
    all.into_iter().find(|codec| codec.name() == text).ok_or_else(|| "expected h264, hevc or av1".to_owned())
}

fn parse_encoder(text: &str) -> Result<EncoderFamily, String> {
    let found = EncoderFamily::ALL.into_iter().find(|family| family.name() == text);
    found.ok_or_else(|| "expected nvenc, vaapi, vulkan or software".to_owned())
}

/// The port that Moonlight clients try when none is given.
pub const DEFAULT_BASE_PORT: u16 = 47989;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_takes_the_flags_that_scripts_rely_on() {
        let line = "earthshine serve --config c --state-dir s --runtime-dir r --bind 127.0.0.1 --port 50000 \
                    --api-socket a --metrics 127.0.0.1:9000";
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let Command::Serve(args) = cli.command else { panic!("not serve") };
        assert_eq!(args.port, 50000);
        assert_eq!(args.metrics, Some(([127, 0, 0, 1], 9000).into()));
    }

    #[test]
    fn commands_take_their_hosts_flags_anywhere() {
        for line in [
            "earthshine sessions --json",
            "earthshine --help-me-not",
            "earthshine sessions stop 7 --api-socket a --json",
            "earthshine lobbies --api-socket a create Shared --run foot --size 1280x720 --pin 1234 --lease 60",
            "earthshine lobbies join --json l 7 --pin 12",
            "earthshine apps add Editor --run vim --env A=B --env C=D",
            "earthshine clients settings 7 --mouse-acceleration 1.5",
            "earthshine pair",
            "earthshine pair 1234 --client 10.0.0.7 --api-socket a",
            "earthshine events --after 7 --count 2 --json",
            "earthshine health --json",
            "earthshine capacity",
            "earthshine gpus",
            "earthshine gpus --every 2",
            "earthshine screenshot lobby 7 -o - --format webp --width 320",
        ] {
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert_eq!(parsed.is_ok(), !line.contains("me-not"), "{line}: {parsed:?}");
        }
        for bad in ["lobbies create Shared", "lobbies create Shared --run a --pin 12x4", "sessions stop", "apps add X"]
        {
            let line = format!("earthshine {bad}");
            assert!(Cli::try_parse_from(line.split_whitespace()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_canary_takes_encoders_by_name() {
        let parse = |line: &str| Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command);
        let Ok(Command::Canary(args)) = parse("earthshine canary --encoders=nvenc,software") else { panic!("refused") };
        assert_eq!(args.encoders, [EncoderFamily::Nvenc, EncoderFamily::Software]);
        assert!(parse("earthshine canary --encoders=x264").is_err());
    }

    #[test]
    fn bench_clients_takes_sizes_and_codecs_by_name() {
        let parse = |flags: &str| {
            let line = format!("earthshine bench clients {flags}");
            Cli::try_parse_from(line.split_whitespace()).map(|cli| match cli.command {
                Command::Bench(BenchArgs { command: BenchCommand::Clients(args) }) => (args.size, args.codec),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(parse("-n 4 --size 320x180 --codec av1").unwrap(), (Size::new(320, 180), VideoCodec::Av1));
        for bad in ["--size 320", "--size 0x180", "--size axb", "--codec vp9"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
