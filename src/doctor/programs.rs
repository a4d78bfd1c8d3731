//! Programs that desktops are made of.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Finding, child};
use crate::config::{CompositorKind, Config};
use crate::desktop::programs::{find, package};

const AREA: &str = "desktop";

/// Compositors, sound server, terminal, fonts, X11, helpers.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<_> = COMPOSITORS.iter().map(|(name, kind)| compositor(config, name, *kind)).collect();
    findings.push(helpful("sound server", "pulseaudio", "--version", "desktops are silent"));
    findings.push(terminal());
    findings.push(fonts());
    findings.push(helpful("X11 apps", "Xwayland", "", "only Wayland apps work"));
    findings.push(helpful(
        "modes of cage and labwc",
        "wlr-randr",
        "",
        "their output keeps its size, pictures are scaled",
    ));
    findings
}

/// The configured one must be there; the others may.
fn compositor(config: &Config, name: &str, kind: CompositorKind) -> Finding {
    let own = &config.desktop.compositor_command;
    let configured = kind == config.desktop.compositor;
    let program = own.first().filter(|_| configured).map_or(name, String::as_str);
    let title = format!("compositor {name}");
    let needed = configured || config.apps.iter().any(|app| app.compositor == Some(kind));
    match find(program) {
        Some(path) => Finding::ok(AREA, title, version(&path, if name == "cage" { "-v" } else { "--version" })),
        None if needed => {
            Finding::fail(AREA, title, format!("{program} is configured but not installed"), install(program))
        }
        None => Finding::ok(AREA, title, "not installed, not needed"),
    }
}

fn helpful(title: &str, program: &str, version_argument: &str, without: &str) -> Finding {
    match find(program) {
        Some(path) if version_argument.is_empty() => Finding::ok(AREA, title, path.display().to_string()),
        Some(path) => Finding::ok(AREA, title, version(&path, version_argument)),
        None => Finding::warn(AREA, title, format!("{program} is not installed: {without}"), install(program)),
    }
}

fn terminal() -> Finding {
    let found = TERMINALS.iter().find_map(find);
    match found {
        Some(path) => Finding::ok(AREA, "terminal", path.display().to_string()),
        None => Finding::warn(AREA, "terminal", "none: the app \"Desktop\" ends at once", install("foot")),
    }
}

fn fonts() -> Finding {
    match has_font(Path::new("/usr/share/fonts"), 4) || has_font(Path::new("/usr/local/share/fonts"), 4) {
        true => Finding::ok(AREA, "fonts", "found"),
        false => Finding::warn(AREA, "fonts", "none: terminals refuse to start", "apt-get install fonts-dejavu-core"),
    }
}

fn has_font(directory: &Path, depth: u32) -> bool {
    let mut entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.any(|entry| {
        let path = entry.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        ["ttf", "otf", "ttc", "pcf"].contains(&extension) || (depth > 0 && path.is_dir() && has_font(&path, depth - 1))
    })
}

fn install(program: &str) -> String {
    match package(program) {
        Some(package) => format!("apt-get install {package}"),
        None => format!("install {program}, or name another program in the configuration"),
    }
}

/// First line of what a program says about its version.
fn version(program: &Path, argument: &str) -> String {
    let said = child::run(Command::new(program).arg(argument), DEADLINE);
    let first_line = said.and_then(|text| Some(text.lines().next()?.trim().to_owned()));
    first_line.filter(|line| !line.is_empty()).unwrap_or_else(|| format!("{} (version unknown)", program.display()))
}

const COMPOSITORS: [(&str, CompositorKind); 3] =
    [("sway", CompositorKind::Sway), ("cage", CompositorKind::Cage), ("labwc", CompositorKind::Labwc)];
/// In the order of the app "Desktop" in `defaults.toml`.
const TERMINALS: [&str; 5] = ["foot", "alacritty", "kitty", "weston-terminal", "xterm"];
const DEADLINE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_program_that_hangs_is_given_up() {
        let sleep = find("sleep").unwrap();
        assert_eq!(child::run(Command::new(sleep).arg("60"), Duration::from_millis(100)), None);
        assert_eq!(
            version(&find("true").unwrap(), ""),
            format!("{} (version unknown)", find("true").unwrap().display())
        );
    }

    #[test]
    fn a_missing_compositor_fails_only_if_it_is_configured() {
        let mut config = Config::load(None).unwrap();
        config.desktop.compositor_command = vec!["no-such-compositor".to_owned()];
        assert_eq!(compositor(&config, "sway", CompositorKind::Sway).verdict, Verdict::Fail);
        assert_eq!(compositor(&config, "cage", CompositorKind::Cage).verdict, Verdict::Ok);
    }

    #[test]
    fn the_default_apps_terminals_are_the_ones_looked_for() {
        let config = Config::load(None).unwrap();
        assert!(config.apps[0].command.contains(&TERMINALS.join(" ")));
    }
}
