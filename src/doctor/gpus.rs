//! What GPUs say of themselves, as `earthshine gpus` hears it: a process that may
//! hang, because a driver may.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::Finding;
use super::child::ask;
use crate::ipc::gpu_report::{Gpu, GpuReport};
use crate::vendor_libraries::find_library;
use crate::worker::encode::probe;

const AREA: &str = "graphics";

/// One finding for each GPU, none where there is nothing to ask.
pub(super) fn examine() -> Vec<Finding> {
    let nvidia = Path::new("/dev/nvidiactl").exists() || find_library("libnvidia-ml.so.1").is_some();
    if !nvidia && probe::render_nodes().is_empty() {
        return Vec::new();
    }
    let mut command = Command::new("/proc/self/exe");
    command.arg0("earthshine").args(["gpus", "--json"]);
    describe(ask(&mut command, DEADLINE).map(|answer| answer.output))
}

fn describe(answer: Option<String>) -> Vec<Finding> {
    let Some(answer) = answer else {
        let found = format!("no answer within {} s", DEADLINE.as_secs());
        return vec![Finding::warn(AREA, FIGURES, found, "a driver hangs: see the kernel's log (dmesg), then restart")];
    };
    let report = match GpuReport::read(answer.as_bytes()) {
        Ok(report) => report,
        Err(error) => return vec![Finding::warn(AREA, FIGURES, error.to_string(), "run earthshine gpus")],
    };
    let mut findings: Vec<_> = report.gpus.iter().map(finding).collect();
    if !report.error.is_empty() {
        let advice = "capacity knows nothing of NVIDIA's GPUs until this is repaired; streams may work all the same";
        findings.push(Finding::warn(AREA, FIGURES, report.error, advice));
    }
    findings
}

fn finding(gpu: &Gpu) -> Finding {
    let (name, found) = (format!("GPU {}", gpu.bus_id), gpu.to_string());
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
        let findings = describe(report.write().ok());
        assert_eq!(
            (findings[0].name.as_str(), findings[0].found.as_str()),
            ("GPU 0000:01:00.0", "Good, 2 encode sessions")
        );
        assert_eq!([findings[0].verdict, findings[1].verdict], [Verdict::Ok, Verdict::Warn]);
        assert!(findings[1].found.contains("GPU is lost"), "{findings:?}");
        assert!(describe(None)[0].found.starts_with("no answer within"));
        assert!(describe(Some("what?".to_owned()))[0].found.starts_with("no report"));
        let broken = GpuReport { error: "no driver".to_owned(), ..GpuReport::default() };
        assert_eq!(describe(broken.write().ok())[0].found, "no driver");
    }
}
