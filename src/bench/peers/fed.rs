//! Programs that make a stream of raw pictures which they are fed with, and how each is told to.
//!
//! All of them read pictures of four bytes a pixel from standard input and send H.264 in
//! datagrams to a port of this machine.

use std::process::Command;

use super::program::{runs, words};
use crate::cli::PeersArgs;

/// One of those that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// The same in every run.
    pub(super) name: String,
    pub(super) packets: Packets,
    command: Vec<String>,
}

/// What it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packets {
    /// RTP with H.264 as RFC 6184 has it.
    Rtp,
    /// As to Moonlight clients, with a fifth of parity.
    Ours,
}

impl Program {
    /// To send to a port.
    pub(super) fn command(&self, port: u16) -> Command {
        let mut arguments = self.command.iter().map(|argument| argument.replace("{port}", &port.to_string()));
        let mut command = Command::new(arguments.next().unwrap_or_default());
        command.args(arguments);
        command
    }
}

/// Those that are installed, and a remark for each that is not.
pub(super) fn all(args: &PeersArgs) -> (Vec<Program>, Vec<String>) {
    let (mut programs, mut remarks) = (ours(args), Vec::new());
    if runs("ffmpeg", &["-version"]) {
        for preset in ["ultrafast", "superfast"] {
            programs.push(ffmpeg(args, preset));
        }
    } else {
        remarks.push("not measured: FFmpeg, which is not installed (apt-get install ffmpeg)".to_owned());
    }
    for (element, settings) in GSTREAMER {
        if runs("gst-inspect-1.0", &["--exists", element]) {
            programs.push(gstreamer(args, element, settings));
        } else {
            remarks.push(format!("not measured: GStreamer's {element}, which is not installed or finds no device"));
        }
    }
    (programs, remarks)
}

fn ours(args: &PeersArgs) -> Vec<Program> {
    let family = |family: &'static str| {
        let flags = format!(
            "/proc/self/exe pipe-stream --encoder {family} --size {} --fps {} --bitrate {} --port {{port}} --packet-size {PACKET_SIZE}",
            args.size, args.fps, args.bitrate
        );
        Program { name: format!("earthshine, {family}"), packets: Packets::Ours, command: words(&flags) }
    };
    args.encoders.iter().map(|encoder| family(encoder.name())).collect()
}

/// As low in latency as its options let it be: no look-ahead, no B frames, a buffer of two
/// frames.
fn ffmpeg(args: &PeersArgs, preset: &str) -> Program {
    let PeersArgs { size, fps, bitrate, .. } = args;
    let buffer = bitrate / fps * 2;
    let flags = format!(
        "ffmpeg -v error -probesize 32 -analyzeduration 0 \
         -f rawvideo -pix_fmt bgr0 -video_size {size} -framerate {fps} -i pipe:0 \
         -vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p \
         -c:v libx264 -preset {preset} -tune zerolatency -b:v {bitrate}k -maxrate {bitrate}k -bufsize {buffer}k \
         -g 100000 -flush_packets 1 -f rtp rtp://127.0.0.1:{{port}}?pkt_size=1400"
    );
    Program { name: format!("FFmpeg, libx264 {preset}"), packets: Packets::Rtp, command: words(&flags) }
}

/// Pipelines as Wolf builds them.
fn gstreamer(args: &PeersArgs, element: &str, settings: &str) -> Program {
    let PeersArgs { size, fps, bitrate, .. } = args;
    let settings = settings.replace("{kbps}", &bitrate.to_string()).replace("{bps}", &format!("{bitrate}000"));
    let bytes = u64::from(size.width) * u64::from(size.height) * 4;
    let format = if element.starts_with("va") || element.starts_with("nv") { "NV12" } else { "I420" };
    let flags = format!(
        "gst-launch-1.0 -q fdsrc fd=0 blocksize={bytes} \
         ! rawvideoparse format=bgrx width={} height={} framerate={fps}/1 \
         ! videoconvert ! video/x-raw,format={format},colorimetry=bt709 ! {element} {settings} \
         ! h264parse config-interval=-1 ! rtph264pay mtu=1400 aggregate-mode=zero-latency \
         ! udpsink host=127.0.0.1 port={{port}} sync=false async=false",
        size.width, size.height
    );
    Program { name: format!("GStreamer, {element}"), packets: Packets::Rtp, command: words(&flags) }
}

/// Elements, and settings for streams without look-ahead.
const GSTREAMER: [(&str, &str); 5] = [
    (
        "x264enc",
        "tune=zerolatency speed-preset=superfast b-adapt=false bframes=0 ref=1 key-int-max=100000 bitrate={kbps}",
    ),
    ("openh264enc", "complexity=low rate-control=bitrate gop-size=100000 bitrate={bps}"),
    ("vah264enc", "b-frames=0 ref-frames=1 rate-control=cbr key-int-max=1024 bitrate={kbps}"),
    ("vah264lpenc", "b-frames=0 ref-frames=1 rate-control=cbr key-int-max=1024 bitrate={kbps}"),
    ("nvh264enc", "preset=low-latency-hq zerolatency=true gop-size=-1 rc-mode=cbr-ld-hq bitrate={kbps}"),
];

/// Bytes behind the RTP part: a packet of ours is 1408.
pub(super) const PACKET_SIZE: u16 = 1392;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::peers::tests::args;

    #[test]
    fn ours_is_always_there_and_what_is_missing_is_told() {
        let (programs, remarks) = all(&args("--size 640x360"));
        assert_eq!(programs[0].name, "earthshine, software");
        // Each of the others is one or the other.
        let there = programs.iter().filter(|program| program.name.starts_with("GStreamer")).count();
        let missing = remarks.iter().filter(|remark| remark.contains("GStreamer")).count();
        assert_eq!(there + missing, GSTREAMER.len(), "{remarks:?}");
    }

    #[test]
    fn commands_have_the_port_and_the_rates() {
        let command =
            gstreamer(&args("--size 640x360 --fps 30 --bitrate 3000"), "openh264enc", GSTREAMER[1].1).command(4711);
        let line: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
        for wanted in ["port=4711", "bitrate=3000000", "framerate=30/1", "blocksize=921600"] {
            assert!(line.iter().any(|argument| argument == wanted), "{wanted}: {line:?}");
        }
    }
}
