//! Compositors: how each is started, and how its output gets its mode.
//!
//! All are wlroots ones, run headless. The application is never the
//! compositor's child, also not for cage, which insists on one: then its end,
//! its environment and its log are the same for all kinds. Command lines and
//! environment as tried with sway 1.7 and cage 0.1.4 (Debian 12), labwc as its
//! manual says.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::child::{ChildCommand, SpawnError, prepare};
use super::environment::{Environment, wayland_name};
use super::programs;
use super::runtime_dir::RuntimeDir;
use super::spec::{CompositorSpec, DesktopSpec};
use super::sway_ipc::{SwayError, SwayIpc, mode_command};
use crate::config::{CompositorKind, Renderer};
use crate::units::{FrameRate, Size};

/// Why the output did not take a mode.
#[derive(Debug, thiserror::Error)]
pub enum SetModeError {
    /// sway did not do it.
    #[error(transparent)]
    Sway(#[from] SwayError),
    /// The compositor has no output.
    #[error("the compositor has no output")]
    NoOutput,
    /// It said yes and did something else.
    #[error("asked for {wanted} at {rate} Hz, the output shows {shown}")]
    NotTaken {
        /// Size that was asked for.
        wanted: Size,
        /// Refresh rate that was asked for.
        rate: FrameRate,
        /// Size that the output has.
        shown: Size,
    },
    /// `wlr-randr` could not be started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// `wlr-randr` failed: the compositor cannot change modes, or is stuck.
    #[error("wlr-randr: {0}")]
    Helper(String),
}

/// Writes the generated configuration and gives the command.
pub(super) fn command(
    spec: &DesktopSpec,
    directories: &RuntimeDir,
    environment: &Environment,
    sound_socket: &Path,
) -> io::Result<ChildCommand> {
    let config = write_config(spec, directories)?;
    let renderer = renderer_name(spec.compositor.renderer);
    let mut variables = environment.for_compositor(
        [
            ("WLR_BACKENDS", "headless".into()),
            ("WLR_LIBINPUT_NO_DEVICES", "1".into()),
            ("WLR_HEADLESS_OUTPUTS", "1".into()),
            ("SWAYSOCK", sway_socket(directories).into()),
            ("WLR_RENDERER", renderer.into()),
        ],
        sound_socket,
    );
    // Without it, wlroots draws on the first render node that it finds.
    if let Some(node) = drawing_node(renderer, spec) {
        variables.entry(DRAWING_NODE.into()).or_insert_with(|| node.into());
    }
    Ok(ChildCommand {
        arguments: arguments(&spec.compositor, &config),
        environment: variables,
        directory: spec.place.home.clone(),
        identity: spec.place.identity.clone(),
    })
}

/// Gives the output the mode for a stream, and makes sure that it has it.
pub(super) async fn set_mode(
    spec: &DesktopSpec,
    directories: &RuntimeDir,
    helper: &ChildCommand,
    size: Size,
    frame_rate: FrameRate,
) -> Result<(), SetModeError> {
    let refresh = output_rate(size, frame_rate, spec.compositor.refresh);
    match spec.compositor.kind {
        CompositorKind::Sway => set_sway_mode(&SwayIpc::new(&sway_socket(directories)), size, refresh).await,
        CompositorKind::Cage | CompositorKind::Labwc => run_wlr_randr(helper, size, refresh).await,
    }
}

/// Where the compositor takes commands, if it does.
pub(super) fn command_socket(spec: &DesktopSpec, directories: &RuntimeDir) -> Option<PathBuf> {
    (spec.compositor.kind == CompositorKind::Sway).then(|| sway_socket(directories))
}

/// Seats beside the first: only sway can have them, and only with the
/// configuration that we write.
pub(super) fn seats(spec: &DesktopSpec) -> usize {
    let ours = spec.compositor.kind == CompositorKind::Sway && spec.compositor.command.is_empty();
    if ours { spec.seats } else { 0 }
}

/// Makes the seats beside the first. Call it before the application starts: sway
/// 1.7 sends no pointer events to a seat that is made later. Seats that its
/// configuration names are not there before a device of this machine is, and a
/// headless one has none; named by a command, they are there at once.
pub(super) async fn make_seats(spec: &DesktopSpec, directories: &RuntimeDir) -> Result<(), SwayError> {
    // Devices that nobody assigned stay out of them.
    let commands: Vec<_> = (0..seats(spec)).map(|seat| format!("seat {} fallback false", seat_name(seat))).collect();
    if commands.is_empty() {
        return Ok(());
    }
    SwayIpc::new(&sway_socket(directories)).run(&commands.join("; ")).await
}

/// Name of a desktop's seat, counted from 0 beside the first.
#[must_use]
pub fn seat_name(seat: usize) -> String {
    format!("visitor{seat}")
}

/// The refresh rate of an output that shall show `times` as many pictures as a stream of
/// `frame_rate` has.
///
/// A headless output of wlroots begins to wait for its next tick when the last
/// picture is drawn and copied to whoever captures it, and waits for whole
/// milliseconds: asked for 60 Hz at 1080p, it shows 49. So it is asked to wait
/// for as much less as drawing takes; capture holds the stream to its rate. No
/// more than that, because applications draw at the output's rate, and the
/// closer its ticks are to the stream's the more evenly frames come: about
/// twice the rate at most.
fn output_rate(size: Size, frame_rate: FrameRate, times: u32) -> FrameRate {
    let interval = u64::try_from((frame_rate.interval() / times.max(1)).as_micros()).unwrap_or(u64::MAX);
    let pixels = u64::from(size.width) * u64::from(size.height);
    let drawing = pixels.saturating_mul(DRAWING) / 1_000_000;
    let wait = interval.saturating_sub(drawing).max(interval / 2) / 1000;
    FrameRate::from_millihertz(1_000_000 / u32::try_from(wait.max(1)).unwrap_or(u32::MAX))
}

/// `wlr-randr` as it would run inside this desktop, without arguments yet.
pub(super) fn helper(spec: &DesktopSpec, environment: &Environment, wayland: &Path, sound: &Path) -> ChildCommand {
    let mut variables = environment.for_app(wayland, sound, None, &BTreeMap::new());
    variables.insert("WAYLAND_DISPLAY".into(), wayland_name(wayland));
    ChildCommand {
        arguments: vec!["wlr-randr".into()],
        environment: variables,
        directory: PathBuf::from("/"),
        identity: spec.place.identity.clone(),
    }
}

/// The Wayland socket in a runtime directory, once there is one.
pub(super) fn wayland_socket(run: &Path) -> Option<PathBuf> {
    let names = fs::read_dir(run).ok()?.flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.filter(is_wayland_name).collect();
    names.sort();
    names.first().map(|name| run.join(name))
}

/// Where sway writes the name of its X11 display, if it has one.
pub(super) fn display_file(directories: &RuntimeDir) -> PathBuf {
    directories.run().join("x11-display")
}

/// Whether this desktop will have an X11 display.
pub(super) fn has_xwayland(compositor: &CompositorSpec) -> bool {
    compositor.xwayland
        && compositor.kind == CompositorKind::Sway
        && compositor.command.is_empty()
        && programs::find("Xwayland").is_some()
}

fn is_wayland_name(name: &OsString) -> bool {
    let digits = name.to_str().and_then(|name| name.strip_prefix("wayland-"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn sway_socket(directories: &RuntimeDir) -> PathBuf {
    directories.run().join("sway.socket")
}

fn arguments(compositor: &CompositorSpec, config: &Path) -> Vec<OsString> {
    let built_in: &[&str] = match compositor.kind {
        // It refuses to start beside NVIDIA's kernel module otherwise.
        CompositorKind::Sway => &["sway", "--unsupported-gpu", "--config", "{config}/sway"],
        // -d: no decorations. It ends with its child, so that never ends.
        CompositorKind::Cage => &["cage", "-d", "--", "sleep", "infinity"],
        CompositorKind::Labwc => &["labwc", "--config-dir", "{config}"],
    };
    let config = config.to_string_lossy();
    let fill = |argument: &str| OsString::from(argument.replace("{config}", &config));
    match compositor.command.as_slice() {
        [] => built_in.iter().map(|argument| fill(argument)).collect(),
        own => own.iter().map(|argument| fill(argument)).collect(),
    }
}

fn write_config(spec: &DesktopSpec, directories: &RuntimeDir) -> io::Result<PathBuf> {
    let config = directories.config();
    match spec.compositor.kind {
        CompositorKind::Sway => write_readable(&config.join("sway"), &sway_config(spec, &display_file(directories)))?,
        CompositorKind::Labwc => write_readable(&config.join("rc.xml"), LABWC_CONFIG)?,
        CompositorKind::Cage => {}
    }
    Ok(config)
}

/// Readable by the desktop's user, whatever our file mode creation mask.
fn write_readable(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// No bar, no borders, no background helper, no error dialogs: whatever is
/// shown is the application's. The pointer is never hidden, because the client
/// sees what we draw.
fn sway_config(spec: &DesktopSpec, display_file: &Path) -> String {
    let mode = mode_command("*", spec.size, output_rate(spec.size, spec.frame_rate, spec.compositor.refresh));
    let xwayland = if has_xwayland(&spec.compositor) {
        let file = display_file.display();
        format!("xwayland enable\nexec 'printf %s \"$DISPLAY\" >\"{file}.new\" && mv \"{file}.new\" \"{file}\"'\n")
    } else {
        "xwayland disable\n".to_owned()
    };
    format!("{mode}\n{xwayland}{SWAY_CONFIG}")
}

/// The render node that wlroots shall draw on. On the CPU it needs none.
fn drawing_node<'a>(renderer: &str, spec: &'a DesktopSpec) -> Option<&'a Path> {
    let node = spec.gpu.as_ref()?.render_node.as_deref()?;
    (renderer != renderer_name(Renderer::Pixman)).then_some(node)
}

fn renderer_name(renderer: Renderer) -> &'static str {
    match renderer {
        Renderer::Pixman => "pixman",
        Renderer::Gles2 => "gles2",
        Renderer::Vulkan => "vulkan",
        Renderer::Auto if has_render_node() => "gles2",
        Renderer::Auto => "pixman",
    }
}

/// Whether there is a GPU to draw with.
#[must_use]
pub fn has_render_node() -> bool {
    let Ok(entries) = fs::read_dir("/dev/dri") else { return false };
    entries.flatten().any(|entry| entry.file_name().as_encoded_bytes().starts_with(b"renderD"))
}

async fn set_sway_mode(sway: &SwayIpc, size: Size, frame_rate: FrameRate) -> Result<(), SetModeError> {
    let output = sway.outputs().await?.into_iter().next().ok_or(SetModeError::NoOutput)?;
    if output.shows(size, frame_rate) {
        return Ok(());
    }
    sway.run(&mode_command(&output.name, size, frame_rate)).await?;
    // sway 1.10 and later change the mode a little later than they answer.
    let end = Instant::now() + MODE_DEADLINE;
    loop {
        let shown = sway.outputs().await?.into_iter().next().ok_or(SetModeError::NoOutput)?;
        if shown.shows(size, frame_rate) {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(SetModeError::NotTaken { wanted: size, rate: frame_rate, shown: shown.size });
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn run_wlr_randr(helper: &ChildCommand, size: Size, frame_rate: FrameRate) -> Result<(), SetModeError> {
    let mut command = helper.clone();
    let mode = format!("{size}@{frame_rate}Hz");
    command.arguments.extend(["--output", "HEADLESS-1", "--custom-mode", &mode].map(OsString::from));
    let (_, mut prepared) = prepare(&command)?;
    prepared.kill_on_drop(true);
    match timeout(MODE_DEADLINE, prepared.output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(SetModeError::Helper(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Ok(Err(error)) => Err(SetModeError::Helper(error.to_string())),
        Err(_) => Err(SetModeError::Helper(format!("no answer within {MODE_DEADLINE:?}"))),
    }
}

const SWAY_CONFIG: &str = "\
swaybg_command -
swaynag_command -
default_border none
default_floating_border none
hide_edge_borders both
focus_follows_mouse yes
mouse_warping none
floating_modifier Mod4
seat * hide_cursor 0
seat * hide_cursor when-typing disable
";

const LABWC_CONFIG: &str = "\
<?xml version=\"1.0\"?>
<labwc_config>
  <core><gap>0</gap></core>
  <windowRules>
    <windowRule identifier=\"*\" serverDecoration=\"no\"><action name=\"Maximize\"/></windowRule>
  </windowRules>
</labwc_config>
";

/// wlroots' documentation, `env_vars.md`.
const DRAWING_NODE: &str = "WLR_RENDER_DRM_DEVICE";

/// Picoseconds that drawing and copying a pixel take: 1.7 ms for 720p and
/// 3.7 ms for 1080p with sway and pixman on two busy cores.
const DRAWING: u64 = 1800;
/// A mode is taken within a frame or two.
const MODE_DEADLINE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::spec::{AppSpec, Place};
    use crate::gpu::GpuAddress;

    fn compositor(kind: CompositorKind, command: &[&str]) -> CompositorSpec {
        let command = command.iter().map(ToString::to_string).collect();
        CompositorSpec { kind, command, renderer: Renderer::Auto, refresh: 1, xwayland: true }
    }

    #[test]
    fn own_command_lines_may_name_the_generated_configuration() {
        let own = compositor(CompositorKind::Sway, &["my-sway", "-c", "{config}/sway"]);
        assert_eq!(arguments(&own, Path::new("/run/x")), ["my-sway", "-c", "/run/x/sway"]);
        assert!(!has_xwayland(&own), "nobody would tell us its display");
    }

    #[test]
    fn wlroots_draws_on_the_gpu_of_the_desktop() {
        let spec = |renderer, gpu| DesktopSpec {
            name: "x".to_owned(),
            size: Size::new(64, 64),
            frame_rate: FrameRate::from_hz(60),
            compositor: CompositorSpec { renderer, ..compositor(CompositorKind::Sway, &[]) },
            seats: 0,
            channels: 2,
            app: AppSpec::default(),
            gpu,
            place: Place {
                runtime_root: PathBuf::new(),
                log_directory: PathBuf::new(),
                home: PathBuf::new(),
                identity: None,
            },
            ready_deadline: Duration::ZERO,
        };
        let node = |renderer, gpu: Option<GpuAddress>| {
            drawing_node(renderer_name(renderer), &spec(renderer, gpu)).map(Path::to_owned)
        };
        let gpu = Some(GpuAddress::of_node("/dev/dri/renderD129"));
        assert_eq!(node(Renderer::Gles2, gpu.clone()), Some("/dev/dri/renderD129".into()));
        assert_eq!(node(Renderer::Vulkan, gpu.clone()), Some("/dev/dri/renderD129".into()));
        assert_eq!(node(Renderer::Pixman, gpu), None);
        assert_eq!(node(Renderer::Gles2, Some(GpuAddress::at("0000:41:00.0"))), None);
        assert_eq!(node(Renderer::Gles2, None), None);
    }

    #[test]
    fn an_output_is_faster_than_its_stream_within_bounds() {
        let times = |width, height, hz, times| {
            output_rate(Size::new(width, height), FrameRate::from_hz(hz), times).millihertz()
        };
        let rate = |width, height, hz| times(width, height, hz, 1);
        assert_eq!(rate(1280, 720, 60), 66_666, "waits for 15 ms");
        assert_eq!(rate(1920, 1080, 60), 83_333);
        assert_eq!(rate(1920, 1080, 120), 250_000, "4 ms: half of the interval, in whole milliseconds");
        assert_eq!(rate(3840, 2160, 60), 125_000);
        assert_eq!(rate(640, 360, 30), 31_250);
        assert_eq!(rate(7680, 4320, 1000), 1_000_000);
        assert_eq!(times(1280, 720, 60, 2), 166_666, "6 ms, and drawing");
        assert_eq!(times(640, 360, 60, 4), 333_333);
    }

    #[test]
    fn only_sockets_count_as_wayland_sockets() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("wayland-1.lock"), "").unwrap();
        assert_eq!(wayland_socket(directory.path()), None);
        fs::write(directory.path().join("wayland-1"), "").unwrap();
        assert_eq!(wayland_socket(directory.path()), Some(directory.path().join("wayland-1")));
    }
}
