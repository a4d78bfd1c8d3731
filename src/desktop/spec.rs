//! What a desktop is made of, decided before anything is started.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::apps::AppConfig;
use crate::config::{CompositorKind, DesktopConfig, Renderer};
use crate::gpu::GpuAddress;
use crate::units::{FrameRate, Size};

/// Everything needed to start one desktop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesktopSpec {
    /// Unique below the runtime directory, for ever: session number and host
    /// instance, say. 1 to 64 letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Size of the output in pixels.
    pub size: Size,
    /// Refresh rate of the output.
    pub frame_rate: FrameRate,
    /// What shows windows.
    pub compositor: CompositorSpec,
    /// Seats beside the first, for users who share the desktop; where the
    /// compositor can have them.
    pub seats: usize,
    /// Speakers of the sound server's sink: 2, 6 or 8.
    pub channels: u8,
    /// What runs in it.
    pub app: AppSpec,
    /// GPU that it draws on; whichever its programs choose, if not given.
    #[serde(default)]
    pub gpu: Option<GpuAddress>,
    /// Where it is on this machine, and as whom.
    pub place: Place,
    /// How long it may take to become ready, in total.
    pub ready_deadline: Duration,
}

/// The compositor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompositorSpec {
    /// How it is started and resized.
    pub kind: CompositorKind,
    /// Command line instead of the built-in one; empty means built-in.
    /// `{config}` in it becomes the path of the generated configuration.
    pub command: Vec<String>,
    /// What wlroots draws with.
    pub renderer: Renderer,
    /// Refresh rate of the output in multiples of the stream's, about.
    #[serde(default = "one")]
    pub refresh: u32,
    /// Offer an X11 display, where Xwayland is installed.
    pub xwayland: bool,
}

/// The application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppSpec {
    /// Command line for `sh -c`; empty means the compositor alone.
    pub command: String,
    /// Variables added to the environment of compositor and application.
    pub environment: BTreeMap<String, String>,
    /// Working directory; the home if not given.
    pub working_directory: Option<PathBuf>,
}

/// Where a desktop is on this machine, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The host's runtime directory; the desktop gets one of its own below it.
    pub runtime_root: PathBuf,
    /// Where `NAME-compositor.log`, `NAME-sound.log` and `NAME-app.log` go.
    pub log_directory: PathBuf,
    /// `HOME`; made if it is not there, and never removed.
    pub home: PathBuf,
    /// The user to run as; `None` means the host's own. sway refuses root.
    pub identity: Option<Identity>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// User number.
    pub uid: u32,
    /// Group number.
    pub gid: u32,
    /// More groups, for example the one that may open the render node; other
    /// than none needs `setpriv`.
    pub groups: Vec<u32>,
}

impl CompositorSpec {
    /// A compositor as the configuration wants it.
    #[must_use]
    pub fn of(config: &DesktopConfig, kind: CompositorKind) -> Self {
        // A command line belongs to the compositor it was written for.
        let command = if kind == config.compositor { config.compositor_command.clone() } else { Vec::new() };
        Self { kind, command, renderer: config.renderer, refresh: config.refresh, xwayland: config.xwayland }
    }
}

/// What desktops had before there was a choice.
const fn one() -> u32 {
    1
}

impl DesktopSpec {
    /// What the configuration says about `app`, for one client's mode.
    #[must_use]
    pub fn for_app(
        config: &DesktopConfig,
        app: &AppConfig,
        name: String,
        mode: (Size, FrameRate),
        channels: u8,
        place: Place,
    ) -> Self {
        Self {
            name,
            size: mode.0,
            frame_rate: mode.1,
            compositor: CompositorSpec::of(config, app.compositor.unwrap_or(config.compositor)),
            seats: 0,
            channels,
            app: AppSpec {
                command: app.command.clone(),
                environment: app.environment.clone(),
                working_directory: app.working_directory.clone(),
            },
            gpu: None,
            place,
            ready_deadline: config.ready_deadline,
        }
    }
}
