//! What `earthshine gpus` tells the host: a line of JSON a round.
//!
//! It comes from a process that asks drivers, so the host believes nothing of it:
//! lines, lists and texts have limits, and figures have to be possible.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The GPUs of a machine at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GpuReport {
    /// All that were found, also such as tell nothing.
    pub gpus: Vec<Gpu>,
    /// Why more is not known; empty if nothing went wrong.
    pub error: String,
    /// How long asking took.
    pub took_microseconds: u64,
}

/// One GPU. What is not known of it is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gpu {
    /// Where on the PCI bus, like `0000:01:00.0`.
    pub bus_id: String,
    /// Who made it.
    pub vendor: GpuVendor,
    /// Name of the product, or of the kernel's driver; empty if neither is known.
    pub name: String,
    /// Unique name that its driver gives it.
    pub uuid: Option<String>,
    /// Version of its driver.
    pub driver_version: Option<String>,
    /// Bytes of its memory.
    pub memory_total_bytes: Option<u64>,
    /// Bytes that programs and the driver have.
    pub memory_used_bytes: Option<u64>,
    /// Percent of the time in which something ran on it.
    pub busy_percent: Option<u32>,
    /// Percent of the time in which its encode engines worked.
    pub encoder_percent: Option<u32>,
    /// Open encode sessions, of all programs.
    pub encoder_sessions: Option<u32>,
    /// Frames per second of all sessions, on average.
    pub encoder_average_fps: Option<u32>,
    /// Microseconds that a frame takes, on average.
    pub encoder_average_latency_microseconds: Option<u32>,
    /// What it did not tell, and why; empty if nothing went wrong.
    pub error: String,
}

/// Who makes GPUs that encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GpuVendor {
    /// NVIDIA.
    Nvidia,
    /// AMD.
    Amd,
    /// Intel.
    Intel,
}

/// Why a line is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadReportError {
    /// Too long.
    #[error("a line of {0} bytes, and {LONGEST_LINE} are the limit")]
    Length(usize),
    /// Not JSON, or of another shape.
    #[error("no report: {0}")]
    Json(#[from] serde_json::Error),
    /// Too many of them.
    #[error("{0} GPUs, and {MOST_GPUS} are the limit")]
    Gpus(usize),
    /// Something that cannot be.
    #[error("GPU {number}: {what} cannot be right")]
    Value {
        /// Which, from 0.
        number: usize,
        /// What is wrong.
        what: &'static str,
    },
}

impl GpuReport {
    /// Reads a line, with or without its end.
    ///
    /// # Errors
    /// [`ReadReportError`].
    pub fn read(line: &[u8]) -> Result<Self, ReadReportError> {
        if line.len() > LONGEST_LINE {
            return Err(ReadReportError::Length(line.len()));
        }
        let report: Self = serde_json::from_slice(line)?;
        if report.gpus.len() > MOST_GPUS {
            return Err(ReadReportError::Gpus(report.gpus.len()));
        }
        if !is_text(&report.error) {
            return Err(ReadReportError::Value { number: 0, what: "an error" });
        }
        for (number, gpu) in report.gpus.iter().enumerate() {
            gpu.check().map_err(|what| ReadReportError::Value { number, what })?;
        }
        Ok(report)
    }

    /// One line, with its end. What does not fit the limits is left out or cut off.
    ///
    /// # Errors
    /// None that anybody has seen.
    pub fn write(mut self) -> Result<String, serde_json::Error> {
        self.gpus.truncate(MOST_GPUS);
        let texts = self.gpus.iter_mut().flat_map(|gpu| [&mut gpu.bus_id, &mut gpu.name, &mut gpu.error]);
        texts.chain([&mut self.error]).for_each(clean);
        for gpu in &mut self.gpus {
            [&mut gpu.uuid, &mut gpu.driver_version].into_iter().flatten().for_each(clean);
            let memory = gpu.memory_used_bytes.zip(gpu.memory_total_bytes);
            gpu.memory_used_bytes = memory.map(|(used, total)| used.min(total));
            for percent in [&mut gpu.busy_percent, &mut gpu.encoder_percent] {
                *percent = percent.map(|percent| percent.min(100));
            }
        }
        Ok(format!("{}\n", serde_json::to_string(&self)?))
    }
}

impl Gpu {
    /// One of which nothing is known.
    #[must_use]
    pub fn unknown(vendor: GpuVendor, bus_id: String) -> Self {
        Self {
            bus_id,
            vendor,
            name: String::new(),
            uuid: None,
            driver_version: None,
            memory_total_bytes: None,
            memory_used_bytes: None,
            busy_percent: None,
            encoder_percent: None,
            encoder_sessions: None,
            encoder_average_fps: None,
            encoder_average_latency_microseconds: None,
            error: String::new(),
        }
    }

    /// Bytes that nobody has.
    #[must_use]
    pub fn memory_left_bytes(&self) -> Option<u64> {
        Some(self.memory_total_bytes?.saturating_sub(self.memory_used_bytes?))
    }

    /// What people know it by.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.name.is_empty() { &self.bus_id } else { &self.name }
    }

    fn check(&self) -> Result<(), &'static str> {
        let texts = [&self.bus_id, &self.name, &self.error].into_iter();
        let percents = [self.busy_percent, self.encoder_percent].into_iter().flatten();
        let checks = [
            ("a text", texts.chain(&self.uuid).chain(&self.driver_version).all(|text| is_text(text))),
            ("its memory", self.memory_used_bytes.is_none() || self.memory_total_bytes >= self.memory_used_bytes),
            ("a percentage", percents.max().is_none_or(|percent| percent <= 100)),
        ];
        checks.into_iter().find(|(_, good)| !good).map_or(Ok(()), |(what, _)| Err(what))
    }
}

/// What is known, for people.
impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.label())?;
        if let Some(version) = &self.driver_version {
            write!(f, ", driver {version}")?;
        }
        if let (Some(used), Some(total)) = (self.memory_used_bytes, self.memory_total_bytes) {
            write!(f, ", {} of {} MB in use", used >> 20, total >> 20)?;
        }
        for (what, percent) in [("busy", self.busy_percent), ("encoder", self.encoder_percent)] {
            if let Some(percent) = percent {
                write!(f, ", {what} {percent} %")?;
            }
        }
        if let Some(sessions) = self.encoder_sessions {
            write!(f, ", {sessions} encode sessions")?;
        }
        if !self.error.is_empty() {
            write!(f, "; {}", self.error)?;
        }
        Ok(())
    }
}

fn is_text(text: &str) -> bool {
    text.len() <= LONGEST_TEXT && !text.contains(char::is_control)
}

/// Makes a text one that is accepted.
fn clean(text: &mut String) {
    // A space takes no more bytes than what it replaces.
    *text = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

/// Bytes of a line: more than the longest that is written.
pub const LONGEST_LINE: usize = 256 << 10;

/// Machines have eight, or sixteen.
const MOST_GPUS: usize = 32;

/// Bytes of a name or an error.
const LONGEST_TEXT: usize = 500;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gpu() -> Gpu {
        Gpu {
            name: "NVIDIA GeForce RTX 4070".to_owned(),
            memory_total_bytes: Some(1000),
            memory_used_bytes: Some(400),
            encoder_sessions: Some(2),
            ..Gpu::unknown(GpuVendor::Nvidia, "0000:01:00.0".to_owned())
        }
    }

    #[test]
    fn a_report_is_a_line_that_is_read_back() {
        let report = GpuReport { gpus: vec![gpu()], error: String::new(), took_microseconds: 7 };
        let line = report.clone().write().unwrap();
        assert!(line.ends_with("}\n") && line.lines().count() == 1, "{line}");
        assert!(line.contains(r#""vendor":"nvidia""#) && line.contains(r#""uuid":null"#), "{line}");
        assert_eq!(GpuReport::read(line.as_bytes()).unwrap(), report);
        assert_eq!(gpu().memory_left_bytes(), Some(600));
        assert_eq!(gpu().to_string(), "NVIDIA GeForce RTX 4070, 0 of 0 MB in use, 2 encode sessions");
        let short = r#"{"gpus":[{"bus_id":"b","vendor":"amd","name":"","error":""}],"error":"","took_microseconds":0}"#;
        let read = GpuReport::read(short.as_bytes()).unwrap();
        assert_eq!(read.gpus, [Gpu::unknown(GpuVendor::Amd, "b".to_owned())]);
        assert_eq!((read.gpus[0].memory_left_bytes(), read.gpus[0].label()), (None, "b"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        let refused = |change: fn(&mut Gpu)| {
            let mut gpu = gpu();
            change(&mut gpu);
            let report = GpuReport { gpus: vec![self::gpu(), gpu], ..GpuReport::default() };
            GpuReport::read(serde_json::to_string(&report).unwrap().as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(refused(|gpu| gpu.memory_used_bytes = Some(1001)), "GPU 1: its memory cannot be right");
        assert_eq!(refused(|gpu| gpu.memory_total_bytes = None), "GPU 1: its memory cannot be right");
        assert_eq!(refused(|gpu| gpu.encoder_percent = Some(101)), "GPU 1: a percentage cannot be right");
        assert_eq!(refused(|gpu| gpu.name = "a\u{1b}[2Jb".to_owned()), "GPU 1: a text cannot be right");
        assert_eq!(refused(|gpu| gpu.uuid = Some("x".repeat(501))), "GPU 1: a text cannot be right");
        let many = GpuReport { gpus: vec![gpu(); 33], ..GpuReport::default() };
        let text = serde_json::to_string(&many).unwrap();
        assert!(GpuReport::read(text.as_bytes()).unwrap_err().to_string().starts_with("33 GPUs"));
        assert!(GpuReport::read(b"{\"gpus\":[]").unwrap_err().to_string().starts_with("no report: EOF"));
        let long = GpuReport::read(&[b' '; LONGEST_LINE + 1]).unwrap_err();
        assert!(matches!(long, ReadReportError::Length(_)), "{long}");
    }

    proptest! {
        #[test]
        fn whatever_a_driver_says_is_written_so_that_it_is_read(
            name in ".{0,600}", uuid in proptest::option::of(".{0,600}"), error in "[\u{0}-\u{ff}]{0,600}",
            total in any::<Option<u64>>(), used in any::<u64>(), percent in any::<Option<u32>>(),
        ) {
            let gpu = Gpu {
                name, uuid, error: error.clone(), memory_total_bytes: total,
                memory_used_bytes: total.map(|_| used), busy_percent: percent, ..self::gpu()
            };
            let report = GpuReport { gpus: vec![gpu; 40], error, took_microseconds: used };
            let line = report.write().unwrap();
            prop_assert_eq!(line.lines().count(), 1);
            let read = GpuReport::read(line.as_bytes()).unwrap();
            prop_assert_eq!(read.gpus.len(), MOST_GPUS);
            prop_assert_eq!(read.write().unwrap(), line);
        }
    }
}
