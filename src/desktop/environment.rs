//! The environment of a desktop's processes, built from nothing.
//!
//! The host's own environment may hold secrets of whoever started it, so
//! nothing of it is passed on but the search path.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::api_socket;
use super::members::MARKER;
use super::programs;
use super::runtime_dir::RuntimeDir;
use super::spec::DesktopSpec;
use crate::gpu::GpuAddress;

/// Variables of one desktop.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    usual: BTreeMap<OsString, OsString>,
    configured: BTreeMap<OsString, OsString>,
    fixed: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// What compositor, sound server and application have in common.
    pub(super) fn new(spec: &DesktopSpec, directories: &RuntimeDir) -> Self {
        let home = &spec.place.home;
        let run = directories.run();
        let mut usual = table([
            ("PATH", programs::search_path()),
            ("HOME", home.into()),
            ("USER", "earthshine".into()),
            ("LOGNAME", "earthshine".into()),
            ("SHELL", shell().into()),
            ("LANG", "C.UTF-8".into()),
            ("XDG_SESSION_TYPE", "wayland".into()),
            ("XDG_CURRENT_DESKTOP", desktop_name(spec).into()),
        ]);
        usual.extend(spec.gpu.iter().flat_map(of_gpu));
        let configured = spec.app.environment.iter().map(|(key, value)| (key.into(), value.into())).collect();
        let fixed = table([
            (MARKER, directories.path().into()),
            (api_socket::VARIABLE, api_socket::path(directories).into()),
            ("XDG_RUNTIME_DIR", run.clone().into()),
            ("PULSE_RUNTIME_PATH", run.join("pulse").into()),
            ("PULSE_STATE_PATH", run.join("pulse-state").into()),
        ]);
        Self { usual, configured, fixed }
    }

    /// For the sound server, which has no business with the application's.
    pub(super) fn for_sound_server(&self) -> BTreeMap<OsString, OsString> {
        merge([&self.usual, &self.fixed])
    }

    /// For the compositor: `defaults` can be overridden by configuration.
    pub(super) fn for_compositor<const N: usize>(
        &self,
        defaults: [(&str, OsString); N],
        sound_socket: &Path,
    ) -> BTreeMap<OsString, OsString> {
        merge([&self.usual, &table(defaults), &self.configured, &self.fixed, &table([pulse_server(sound_socket)])])
    }

    /// For the application and other programs: everything they need to reach
    /// their desktop, and what is configured for them.
    pub(super) fn for_app(
        &self,
        wayland_socket: &Path,
        sound_socket: &Path,
        display: Option<&str>,
        more: &BTreeMap<String, String>,
    ) -> BTreeMap<OsString, OsString> {
        let more = more.iter().map(|(key, value)| (key.into(), value.into())).collect();
        let reach = table([("WAYLAND_DISPLAY", wayland_name(wayland_socket)), pulse_server(sound_socket)]);
        let display = display.map(|display| table([("DISPLAY", display.into())])).unwrap_or_default();
        merge([&self.usual, &display, &self.configured, &more, &self.fixed, &reach])
    }
}

/// What leads programs to a GPU. Wayland ones go where their compositor is by
/// themselves; others ask Mesa, which takes a place on the bus in this form
/// (docs.mesa3d.org/envvars.html, DRI_PRIME). Ours are for scripts: of containers, say,
/// that shall have the node.
fn of_gpu(gpu: &GpuAddress) -> Vec<(OsString, OsString)> {
    let place = gpu.bus_id.as_ref();
    let prime = place.map(|place| format!("pci-{}", place.replace([':', '.'], "_")));
    let variables = [
        ("DRI_PRIME", prime.map(OsString::from)),
        (GPU, place.map(OsString::from)),
        (RENDER_NODE, gpu.render_node.as_ref().map(OsString::from)),
    ];
    variables.into_iter().filter_map(|(name, value)| Some((name.into(), value?))).collect()
}

/// Where the desktop's GPU is on the PCI bus.
const GPU: &str = "EARTHSHINE_GPU";
/// Its render node.
const RENDER_NODE: &str = "EARTHSHINE_RENDER_NODE";

fn pulse_server(socket: &Path) -> (&'static str, OsString) {
    let mut address = OsString::from("unix:");
    address.push(socket);
    ("PULSE_SERVER", address)
}

/// Toolkits of every age take a name; only newer ones take a path.
pub(super) fn wayland_name(socket: &Path) -> OsString {
    socket.file_name().map(OsString::from).unwrap_or_default()
}

fn desktop_name(spec: &DesktopSpec) -> &'static str {
    match spec.compositor.kind {
        crate::config::CompositorKind::Sway => "sway",
        crate::config::CompositorKind::Cage => "cage",
        crate::config::CompositorKind::Labwc => "labwc:wlroots",
    }
}

/// Terminals start this one; without it they ask the user database, which
/// does not know the desktop's user.
fn shell() -> PathBuf {
    programs::find("bash").or_else(|| programs::find("sh")).unwrap_or_else(|| PathBuf::from("/bin/sh"))
}

fn table<const N: usize>(entries: [(&str, OsString); N]) -> BTreeMap<OsString, OsString> {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}

/// Later tables win.
fn merge<const N: usize>(tables: [&BTreeMap<OsString, OsString>; N]) -> BTreeMap<OsString, OsString> {
    tables.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_led_to_the_gpu_as_far_as_it_is_known() {
        let names = |gpu: &GpuAddress| {
            let text = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
            of_gpu(gpu).into_iter().map(text).collect::<Vec<_>>()
        };
        let whole =
            GpuAddress { bus_id: Some("0000:41:00.0".to_owned()), render_node: Some("/dev/dri/renderD129".into()) };
        let expected =
            ["DRI_PRIME=pci-0000_41_00_0", "EARTHSHINE_GPU=0000:41:00.0", "EARTHSHINE_RENDER_NODE=/dev/dri/renderD129"];
        assert_eq!(names(&whole), expected);
        assert_eq!(names(&GpuAddress::of_node("/x")), ["EARTHSHINE_RENDER_NODE=/x"]);
    }
}
