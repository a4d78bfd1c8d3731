//! Programs that capture a screen by themselves, and how each is told to.
//!
//! All of them find the screen as clients of its compositor and send H.264 in datagrams to a
//! port of this machine.

use std::path::Path;
use std::process::Command;

use super::program::{runs, words};
use crate::cli::PeersArgs;

/// One of those that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capturer {
    /// The same in every run.
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// Who starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The host, when a client comes.
    Ours { encoder: &'static str },
    /// We, by its command line.
    Other(Other),
}

/// A program that is told where the screen and the port are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other(Vec<String>);

impl Other {
    /// To capture the screen behind a Wayland socket, and send to a port.
    pub(super) fn command(&self, screen: &Path, port: u16) -> Command {
        let (screen, port) = (screen.to_string_lossy(), port.to_string());
        let fill = |argument: &String| argument.replace("{screen}", &screen).replace("{port}", &port);
        let mut arguments = self.0.iter().map(fill);
        let mut command = Command::new(arguments.next().unwrap_or_default());
        command.args(arguments).env("WAYLAND_DISPLAY", &*screen);
        command
    }
}

/// Those that are installed, and a remark for each that is not.
pub(super) fn all(args: &PeersArgs) -> (Vec<Capturer>, Vec<String>) {
    let ours = |encoder| Capturer { name: format!("earthshine, {encoder}"), kind: Kind::Ours { encoder } };
    let mut capturers: Vec<_> = args.encoders.iter().map(|family| ours(family.name())).collect();
    let mut remarks = Vec::new();
    if runs("wf-recorder", &["--version"]) {
        capturers.push(wf_recorder(args));
        remarks.push(WF_RECORDER.to_owned());
    } else {
        remarks.push("not measured: wf-recorder, which is not installed (apt-get install wf-recorder)".to_owned());
    }
    let python = &args.pixelflux_python;
    if runs(python, &["-c", "import pixelflux"]) {
        capturers.push(pixelflux(args));
        remarks.push(PIXELFLUX.to_owned());
    } else {
        remarks.push(format!(
            "not measured: pixelflux, which {python} does not have (python3 -m venv DIR && DIR/bin/pip install \
             pixelflux, then --pixelflux-python DIR/bin/python)"
        ));
    }
    (capturers, remarks)
}

/// As FFmpeg among those that are fed: libx264's fastest preset without look-ahead, a buffer of
/// two frames.
///
/// Its pictures' times are microseconds, from which x264 would conclude a million frames a
/// second, and leave each of them a few bits: `force-cfr` says how many there are. `crf=-1`
/// takes back its own default of a constant quality. Its stream says full range whatever the
/// filter makes; limited range is what all others make here. Its own filter shifts parts of
/// the picture by a pixel, which `flags=bicubic`, FFmpeg's default, does not.
fn wf_recorder(args: &PeersArgs) -> Capturer {
    let PeersArgs { fps, bitrate, .. } = args;
    let buffer = bitrate * 1000 / fps * 2;
    let line = format!(
        "wf-recorder -c libx264 -p preset=ultrafast -p tune=zerolatency -p crf=-1 -p b={bitrate}000 \
         -p maxrate={bitrate}000 -p bufsize={buffer} -p g=100000 -p x264-params=force-cfr=1:fps={fps} \
         -F scale=out_color_matrix=bt709:out_range=tv:flags=bicubic,format=yuv420p \
         -m rtp -f rtp://127.0.0.1:{{port}}?pkt_size=1400"
    );
    Capturer { name: "wf-recorder, libx264 ultrafast".to_owned(), kind: Kind::Other(Other(words(&line))) }
}

fn pixelflux(args: &PeersArgs) -> Capturer {
    let PeersArgs { size, fps, bitrate, pixelflux_python, .. } = args;
    let mut command = vec![pixelflux_python.clone(), "-c".to_owned(), DRIVER.to_owned()];
    command.extend(words(&format!("{{screen}} {{port}} {size} {fps} {bitrate}")));
    Capturer { name: "pixelflux, x264".to_owned(), kind: Kind::Other(Other(command)) }
}

const DRIVER: &str = include_str!("pixelflux_driver.py");

const WF_RECORDER: &str = "wf-recorder captures every picture of the screen, which refreshes a little faster than \
    the stream; x264 is told that they are the stream's rate";
const PIXELFLUX: &str = "pixelflux hands frames to Python, which cuts them into packets: that is in its times";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bench::peers::fed::Packets;
    use crate::bench::peers::program::Running;
    use crate::bench::peers::receiver::Receiver;
    use crate::bench::peers::tests::args;

    #[test]
    fn ours_is_always_there_and_what_is_missing_is_told() {
        let (capturers, remarks) = all(&args("--pixelflux-python /nowhere/python"));
        assert_eq!(capturers[0].name, "earthshine, software");
        assert!(remarks.iter().any(|remark| remark.starts_with("not measured: pixelflux")), "{remarks:?}");
        assert!(!capturers.iter().any(|capturer| capturer.name.contains("pixelflux")));
    }

    #[test]
    fn commands_have_the_screen_the_port_and_the_rates() {
        let args = args("--size 640x360 --fps 30 --bitrate 3000 --pixelflux-python python3");
        for (capturer, wanted) in [
            (wf_recorder(&args), ["rtp://127.0.0.1:4711?pkt_size=1400", "b=3000000", "bufsize=200000"]),
            (pixelflux(&args), ["/x/wayland-1", "4711", "640x360"]),
        ] {
            let Kind::Other(other) = capturer.kind else { panic!("{capturer:?}") };
            let command = other.command(Path::new("/x/wayland-1"), 4711);
            let line: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
            for wanted in wanted {
                assert!(line.iter().any(|argument| argument == wanted), "{wanted}: {line:?}");
            }
        }
    }

    #[test]
    fn what_pixelflux_hands_over_comes_out_of_its_packets() {
        if !runs("python3", &["-c", ""]) {
            assert!(std::env::var_os("EARTHSHINE_TESTS_MUST_RUN").is_none(), "needs python3");
            eprintln!("SKIPPED: needs python3");
            return;
        }
        // In the place of pixelflux, a module with frames whose NAL units have sizes around a
        // packet's.
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("pixelflux.py"), MODULE).unwrap();
        let (out, frames) = std::sync::mpsc::channel();
        let receiver = Receiver::start(Packets::Rtp, move |frame| drop(out.send(frame.picture))).unwrap();
        let Kind::Other(other) = pixelflux(&args("--size 640x360")).kind else { panic!("ours") };
        let mut command = other.command(Path::new("/x/wayland-1"), receiver.port);
        let _running = Running(command.env("PYTHONPATH", directory.path()).spawn().unwrap());
        for size in [1, 1387, 1388, 2773, 2774, 5000] {
            let frame = frames.recv_timeout(Duration::from_secs(60)).unwrap();
            let wanted = [&[0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x65][..], &vec![7; size]].concat();
            assert!(frame == wanted, "{size}: {} bytes", frame.len());
        }
    }

    const MODULE: &str = r#"
class CaptureSettings:
    pass


class ScreenCapture:
    def start_capture(self, take, settings):
        assert (settings.wayland_host_display, settings.capture_width) == ("/x/wayland-1", 640)
        for size in (1, 1387, 1388, 2773, 2774, 5000):
            take(b"\0\0\0\1\x67\1\0\0\1\x65" + b"\7" * size)
"#;
}
