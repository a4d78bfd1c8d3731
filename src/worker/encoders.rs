//! `earthshine encoders`: what the encoders of this machine can do, as their drivers
//! say.
//!
//! A role of its own because a driver that is asked may hang; the host runs it with
//! a deadline and offers clients what it prints.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::gpu::GpuAddress;
use crate::ipc::abilities::{Abilities, FamilyReport};
use crate::stream_plan::EncoderFamily;
use crate::worker::encode::select;

/// Asks the families; prints JSON or a table.
#[must_use]
pub fn main(families: &[EncoderFamily], json: bool) -> ExitCode {
    let reports: Vec<_> = families.iter().flat_map(|family| reports(*family)).collect();
    let text = if json { serde_json::to_string(&reports).unwrap_or_default() } else { table(&reports) };
    // Whoever is gone reads neither.
    drop(writeln!(io::stdout(), "{text}"));
    let usable = reports.iter().any(|report| report.error.is_empty());
    if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One for each GPU that the family works on; one that says why, if there is none.
fn reports(family: EncoderFamily) -> Vec<FamilyReport> {
    let report = |gpu: Option<GpuAddress>| match select::abilities(family, gpu.as_ref()) {
        Ok(abilities) => FamilyReport { family, abilities, error: String::new() },
        Err(reason) => {
            let device = gpu.as_ref().map(ToString::to_string).unwrap_or_default();
            let abilities = Abilities { device, gpu, ..Abilities::default() };
            FamilyReport { family, abilities, error: reason.to_string() }
        }
    };
    let gpus = select::gpus(family);
    if gpus.len() < 2 {
        return vec![report(None)];
    }
    let all: Vec<_> = gpus.into_iter().map(Some).map(report).collect();
    // A GPU that has no driver of this family, or none that encodes: no news beside one that has.
    let works = |report: &FamilyReport| report.error.is_empty();
    match (family, all.iter().any(works)) {
        (EncoderFamily::Vaapi | EncoderFamily::Vulkan, true) => all.into_iter().filter(works).collect(),
        _ => all,
    }
}

fn table(reports: &[FamilyReport]) -> String {
    let mut lines = Vec::new();
    for FamilyReport { family, abilities, error } in reports {
        let what = match (error.is_empty(), abilities.device.is_empty()) {
            (true, _) => abilities.device.clone(),
            (false, true) => error.clone(),
            (false, false) => format!("{}: {error}", abilities.device),
        };
        lines.push(format!("{:<9} {what}", family.name()));
        for ability in &abilities.able {
            let most = ability.most.map(|most| format!(" up to {most}")).unwrap_or_default();
            lines.push(format!("          {}{most}", ability.profile.name()));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::VideoProfile;

    #[test]
    fn the_software_encoder_is_always_there_and_others_say_why_not() {
        let reports = [EncoderFamily::Software, EncoderFamily::Nvenc].map(|family| reports(family).remove(0));
        assert_eq!(reports[0].abilities.able[0].profile, VideoProfile::H264);
        let text = table(&reports);
        assert!(text.contains("h264 8 bit 4:2:0 up to "), "{text}");
        assert_eq!(reports[1].error.is_empty(), !reports[1].abilities.able.is_empty(), "{text}");
    }
}
