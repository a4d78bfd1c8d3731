//! `[[app]]`: what clients can launch.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::CompositorKind;
use crate::gpu::GpuName;
use crate::ids::AppId;

/// One app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Title that clients show.
    pub title: String,
    /// Number that clients store; made from the title if it is not given.
    #[serde(default)]
    pub id: Option<AppId>,
    /// Command line run by `sh -c` inside the desktop; empty means the
    /// compositor alone.
    #[serde(default)]
    pub command: String,
    /// The built-in test card instead of a desktop.
    #[serde(default)]
    pub test_card: bool,
    /// Compositor, if not the default one.
    #[serde(default)]
    pub compositor: Option<CompositorKind>,
    /// GPU that it draws on and is encoded on, if not the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuName>,
    /// Environment variables added for the app and the compositor.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// PNG file that clients show; a default picture if not given.
    #[serde(default)]
    pub icon: Option<PathBuf>,
    /// Working directory; the desktop's home if not given.
    #[serde(default)]
    pub working_directory: Option<PathBuf>,
}

impl AppConfig {
    /// The app's number: as configured, or a stable hash of its title in
    /// 1..=0x7FFF_FFFF.
    #[must_use]
    pub fn id(&self) -> AppId {
        self.id.unwrap_or_else(|| AppId::of_text(&self.title))
    }
}
