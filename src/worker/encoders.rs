//! `earthshine encoders`: what the encoders of this machine can do, as their drivers
//! say.
//!
//! A role of its own because a driver that is asked may hang; the host runs it with
//! a deadline and offers clients what it prints.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::ipc::abilities::{Abilities, FamilyReport};
use crate::stream_plan::EncoderFamily;
use crate::worker::encode::select;

/// Asks the families; prints JSON or a table.
#[must_use]
pub fn main(families: &[EncoderFamily], json: bool) -> ExitCode {
    let reports: Vec<_> = families.iter().map(|family| report(*family)).collect();
    let text = if json { serde_json::to_string(&reports).unwrap_or_default() } else { table(&reports) };
    // Whoever is gone reads neither.
    drop(writeln!(io::stdout(), "{text}"));
    let usable = reports.iter().any(|report| report.error.is_empty());
    if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(family: EncoderFamily) -> FamilyReport {
    match select::abilities(family) {
        Ok(abilities) => FamilyReport { family, abilities, error: String::new() },
        Err(reason) => FamilyReport { family, abilities: Abilities::default(), error: reason.to_string() },
    }
}

fn table(reports: &[FamilyReport]) -> String {
    let mut lines = Vec::new();
    for FamilyReport { family, abilities, error } in reports {
        let what = if error.is_empty() { &abilities.device } else { error };
        lines.push(format!("{:<9} {what}", family.name()));
        for ability in &abilities.able {
            let most = ability.most.map(|most| format!(" up to {most}")).unwrap_or_default();
            let remark = if ability.offered { "" } else { ", not offered: never decoded yet" };
            lines.push(format!("          {}{most}{remark}", ability.profile.name()));
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
        let reports = [report(EncoderFamily::Software), report(EncoderFamily::Nvenc)];
        assert_eq!(reports[0].abilities.able[0].profile, VideoProfile::H264);
        let text = table(&reports);
        assert!(text.contains("h264 8 bit 4:2:0 up to "), "{text}");
        assert_eq!(reports[1].error.is_empty(), !reports[1].abilities.able.is_empty(), "{text}");
    }
}
