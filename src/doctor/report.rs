//! What was found, for people and for programs.

use std::fmt;

use serde::Serialize;

/// Everything that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// In the order they are shown.
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it belongs to: `graphics`, `desktop`, `network`, `system`.
    pub area: &'static str,
    /// What was looked at.
    pub name: String,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, unless all is well.
    pub advice: Option<String>,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// Streaming works, with less.
    Warn,
    /// Streaming does not work.
    Fail,
}

impl Report {
    /// Whether streaming can work on this machine: the exit status.
    #[must_use]
    pub fn can_stream(&self) -> bool {
        self.findings.iter().all(|finding| finding.verdict != Verdict::Fail)
    }

    /// For programs: `{"can_stream":..,"findings":[..]}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({ "can_stream": self.can_stream(), "findings": self.findings }).to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.name.len()).max().unwrap_or_default();
        let mut area = "";
        for finding in &self.findings {
            if finding.area != area {
                area = finding.area;
                writeln!(f, "{area}")?;
            }
            let Finding { name, found, .. } = finding;
            writeln!(f, "  {:4}  {name:width$}  {found}", finding.verdict.word())?;
            if let Some(advice) = &finding.advice {
                writeln!(f, "        {:width$}  -> {advice}", "")?;
            }
        }
        let verdict = if self.can_stream() { "Streaming can work." } else { "Streaming cannot work: see FAIL above." };
        write!(f, "{verdict}")
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

impl Finding {
    pub(super) fn ok(area: &'static str, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { area, name: name.into(), verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    pub(super) fn warn(
        area: &'static str,
        name: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into());
        Self { area, name: name.into(), verdict: Verdict::Warn, found: found.into(), advice }
    }

    pub(super) fn fail(
        area: &'static str,
        name: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Fail, ..Self::warn(area, name, found, advice) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let findings = vec![
            Finding::ok("desktop", "compositor", "sway version 1.7"),
            Finding::warn("desktop", "sound", "none", "apt-get install pulseaudio"),
        ];
        Report { findings }
    }

    #[test]
    fn people_read_what_to_do() {
        let text = report().to_string();
        assert!(text.contains("  ok    compositor  sway version 1.7\n"), "{text}");
        assert!(text.contains("-> apt-get install pulseaudio\n"), "{text}");
        assert!(text.ends_with("Streaming can work."), "{text}");
    }

    #[test]
    fn programs_read_json_and_one_failure_decides() {
        let mut report = report();
        report.findings.push(Finding::fail("network", "ports", "taken", "use --port"));
        assert!(!report.can_stream());
        let value: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(value["can_stream"], false);
        assert_eq!(value["findings"][1]["verdict"], "warn");
        assert_eq!(value["findings"][0]["advice"], serde_json::Value::Null);
    }
}
