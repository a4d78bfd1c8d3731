//! What GPUs say of themselves, as `earthshine gpus` hears it: a process that may
//! hang, because a driver may.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Finding;
use super::child::ask;
use crate::config::Config;
use crate::gpu::GpuAddress;
use crate::host::gpus::known::{KnownGpu, find, known};
use crate::ipc::gpu_report::{Gpu, GpuReport};
use crate::render_nodes;
use crate::vendor_libraries::find_library;
use crate::worker::encode::probe;

const AREA: &str = "graphics";

/// One finding for each GPU, and one for each that the configuration names; none where
/// there is nothing to ask and nothing is named.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let report = ask_gpus();
    let figures = report.iter().flatten().flat_map(|report| report.gpus.clone()).collect::<Vec<_>>();
    let known = known(&render_nodes::all(), &figures, &[]);
    let findings = report.map(|report| describe(report, config.admission.encoder_sessions, &known));
    findings.into_iter().flatten().chain(names(config, &known)).collect()
}

/// What GPUs say; `None` where there is nothing to ask, an error text where that is not
/// known.
fn ask_gpus() -> Option<Result<GpuReport, Finding>> {
    let nvidia = Path::new("/dev/nvidiactl").exists() || find_library("libnvidia-ml.so.1").is_some();
    if !nvidia && probe::render_nodes().is_empty() {
        return None;
    }
    let mut command = Command::new("/proc/self/exe");
    command.arg0("earthshine").args(["gpus", "--json"]);
    Some(read(ask(&mut command, DEADLINE).map(|answer| answer.output)))
}

fn read(answer: Option<String>) -> Result<GpuReport, Finding> {
    let Some(answer) = answer else {
        let found = format!("no answer within {} s", DEADLINE.as_secs());
        return Err(Finding::warn(AREA, FIGURES, found, "a driver hangs: see the kernel's log (dmesg), then restart"));
    };
    GpuReport::read(answer.as_bytes())
        .map_err(|error| Finding::warn(AREA, FIGURES, error.to_string(), "run earthshine gpus"))
}

/// `most`: encode sessions that the operator allows on each.
fn describe(report: Result<GpuReport, Finding>, most: Option<u32>, known: &[KnownGpu]) -> Vec<Finding> {
    let report = match report {
        Ok(report) => report,
        Err(finding) => return vec![finding],
    };
    let mut findings: Vec<_> = report.gpus.iter().map(|gpu| finding(gpu, most, known)).collect();
    if !report.error.is_empty() {
        let advice = "capacity knows nothing of NVIDIA's GPUs until this is repaired; streams may work all the same";
        findings.push(Finding::warn(AREA, FIGURES, report.error, advice));
    }
    findings
}

/// GPUs that the configuration names, and whether they are here.
fn names(config: &Config, known: &[KnownGpu]) -> Vec<Finding> {
    let default = ("video.gpu".to_owned(), &config.video.gpu);
    let of_apps = config.apps.iter().filter_map(|app| Some((format!("GPU of {}", app.title), app.gpu.as_ref()?)));
    let named = std::iter::once(default).chain(of_apps).filter(|(_, gpu)| gpu.is_fixed());
    let advice = match config.video.gpu_fallback {
        true => "until it is there, another GPU does its work (video.gpu_fallback)",
        false => "until it is there, what belongs on it is refused (video.gpu_fallback)",
    };
    named
        .map(|(name, gpu)| match find(known, gpu) {
            Ok(gpu) => Finding::ok(AREA, name, gpu.describe()),
            Err(missing) => Finding::warn(AREA, name, missing.to_string(), advice),
        })
        .collect()
}

fn finding(gpu: &Gpu, most: Option<u32>, known: &[KnownGpu]) -> Finding {
    let (name, mut found) = (format!("GPU {}", gpu.bus_id), gpu.to_string());
    if let Some((most, open)) = most.zip(gpu.encoder_sessions) {
        found.push_str(&format!(", room for {} more (admission.encoder_sessions)", most.saturating_sub(open)));
    }
    let address = GpuAddress::at(gpu.bus_id.clone());
    let node =
        known.iter().find(|known| known.address.is(&address)).and_then(|known| known.address.render_node.clone());
    if let Some(node) = node {
        found.push_str(&format!(", {}", node.display()));
    }
    if gpu.error.is_empty() {
        return Finding::ok(AREA, name, found);
    }
    Finding::warn(AREA, name, found, "streams on this GPU will fail: see the kernel's log (dmesg)")
}

const FIGURES: &str = "GPU figures";

/// A GPU that nobody uses is initialized first.
const DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use crate::ipc::gpu_report::GpuVendor;

    #[test]
    fn each_gpu_is_told_of_and_what_does_not_answer_too() {
        let lost =
            Gpu { error: "GPU is lost".to_owned(), ..Gpu::unknown(GpuVendor::Nvidia, "0000:02:00.0".to_owned()) };
        let well = Gpu {
            name: "Good".to_owned(),
            encoder_sessions: Some(2),
            ..Gpu::unknown(GpuVendor::Nvidia, "0000:01:00.0".to_owned())
        };
        let report = GpuReport { gpus: vec![well, lost], ..GpuReport::default() };
        let described = |answer: Option<String>| describe(read(answer), Some(8), &[]);
        let findings = described(report.write().ok());
        assert_eq!(
            (findings[0].name.as_str(), findings[0].found.as_str()),
            ("GPU 0000:01:00.0", "Good, 2 encode sessions, room for 6 more (admission.encoder_sessions)")
        );
        assert_eq!([findings[0].verdict, findings[1].verdict], [Verdict::Ok, Verdict::Warn]);
        assert!(findings[1].found.contains("GPU is lost"), "{findings:?}");
        assert!(described(None)[0].found.starts_with("no answer within"));
        assert!(described(Some("what?".to_owned()))[0].found.starts_with("no report"));
        let broken = GpuReport { error: "no driver".to_owned(), ..GpuReport::default() };
        assert_eq!(described(broken.write().ok())[0].found, "no driver");
    }

    #[test]
    fn gpus_that_the_configuration_names_are_looked_for() {
        let text = "[video]\ngpu = \"01:00.0\"\n[[app]]\ntitle = \"Game\"\ngpu = \"/dev/dri/renderD199\"\n";
        let config = Config::parse(text, Path::new("test.toml")).unwrap();
        let gpus = known(&[], &[Gpu::unknown(GpuVendor::Nvidia, "0000:01:00.0".to_owned())], &[]);
        let findings = names(&config, &gpus);
        assert_eq!((findings[0].name.as_str(), findings[0].verdict), ("video.gpu", Verdict::Ok));
        assert_eq!((findings[1].name.as_str(), findings[1].verdict), ("GPU of Game", Verdict::Warn));
        assert!(findings[1].found.contains("there is 0000:01:00.0"), "{findings:?}");
        assert!(names(&Config::parse("", Path::new("test.toml")).unwrap(), &gpus).is_empty());
    }
}
