//! `earthshine doctor`: what this machine offers, and what to do about the rest.
//!
//! Looks only: files, programs' versions, ports. It opens no driver, so it can
//! neither hang in one nor disturb streams; what GPUs say of themselves it hears from
//! a process of its own, with a deadline. Whatever is missing comes with the command
//! that brings it on Debian and Ubuntu. `--encode-test` is another matter: it has every
//! encoder encode.

mod child;
mod encode_test;
mod gpus;
mod graphics;
mod network;
mod programs;
mod report;
mod system;

use std::net::IpAddr;

pub use self::encode_test::{EncodeReport, EncodeTestError, run as test_encoders};
pub use self::report::{Finding, Report, Verdict};

use crate::config::Config;
use crate::config::directories::Directories;

/// The six ports of a host: offsets from the HTTP port that clients have built
/// in (moonlight-common-c, Sunshine's `net::map_port`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Address that the host binds to.
    pub bind: IpAddr,
    /// The HTTP port; 47989 unless configured.
    pub base: u16,
}

/// Looks at everything. Takes well under a second; every program asked for its
/// version has two, and GPUs have five.
#[must_use]
pub fn examine(config: &Config, directories: &Directories, ports: Ports) -> Report {
    let findings = [
        graphics::examine(),
        gpus::examine(config),
        programs::examine(config),
        network::examine(ports),
        system::examine(directories),
    ];
    Report { findings: findings.into_iter().flatten().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shortcoming_comes_with_advice_and_names_are_unique() {
        let directory = tempfile::tempdir().unwrap();
        let directories = Directories { state: directory.path().join("s"), runtime: directory.path().join("r") };
        let ports = Ports { bind: [127, 0, 0, 1].into(), base: 47989 };
        let report = examine(&Config::load(None).unwrap(), &directories, ports);
        let mut names: Vec<_> = report.findings.iter().map(|finding| &finding.name).collect();
        for finding in &report.findings {
            assert!(!finding.found.is_empty(), "{finding:?}");
            assert_eq!(finding.verdict == Verdict::Ok, finding.advice.is_none(), "{finding:?}");
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), report.findings.len());
        assert!(!directories.state.exists(), "looking makes nothing");
    }
}
