//! What a run has shown: JSON for programs, a table for eyes.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::bench::clients::audio_receiver::AudioReport;
use crate::bench::clients::control::ControlReport;
use crate::bench::clients::steps::{Failure, Steps};
use crate::bench::clients::tls_probe::TlsReport;
use crate::bench::clients::video_receiver::VideoReport;
use crate::bench::histogram::{Histogram, Summary};

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Every client had video to the end.
    pub ok: bool,
    /// Whom it was about.
    pub host: HostReport,
    /// What was asked for.
    pub settings: Value,
    /// Seconds that all clients streamed together.
    pub seconds: f64,
    /// Sums over all clients.
    pub totals: Totals,
    /// Handshakes, if any were timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsReport>,
    /// By number.
    pub clients: Vec<ClientReport>,
    /// What of it can be compared with another run.
    pub report: crate::bench::report::Report,
}

/// Which host.
#[derive(Debug, Clone, Serialize)]
pub struct HostReport {
    /// Address and HTTP port.
    pub address: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub unique_id: String,
}

/// One client.
#[derive(Debug, Clone, Serialize)]
pub struct ClientReport {
    /// From 0.
    pub client: usize,
    /// It had video to the end.
    pub ok: bool,
    /// What went wrong.
    pub errors: Vec<Failure>,
    /// Milliseconds of each step; steps that were not reached are not there.
    pub steps_ms: Map<String, Value>,
    /// From asking for the launch to the first whole frame, in milliseconds.
    pub launch_to_first_frame_ms: Option<f64>,
    /// Video.
    pub video: VideoReport,
    /// Sound.
    pub audio: AudioReport,
    /// Control; `None` if it was never connected.
    pub control: Option<ControlReport>,
}

/// Sums over all clients.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Totals {
    /// Clients that were played.
    pub clients: usize,
    /// Of those, the ones with video to the end.
    pub clients_ok: usize,
    /// Whole frames.
    pub frames_complete: u64,
    /// Of those, the ones that parity made whole.
    pub frames_repaired: u64,
    /// Frames that are not whole.
    pub frames_lost: u64,
    /// Video and sound.
    pub packets: u64,
    /// Video and sound.
    pub bytes: u64,
    /// Opus packets that parity did not give back.
    pub audio_lost: u64,
    /// Over all clients, in milliseconds.
    pub frame_gap_ms: Summary,
    /// Over all clients that got a frame, in milliseconds.
    pub launch_to_first_frame_ms: Summary,
}

impl ClientReport {
    /// Of a client that has not begun.
    pub(super) fn new(client: usize) -> Self {
        Self {
            client,
            ok: false,
            errors: Vec::new(),
            steps_ms: Map::new(),
            launch_to_first_frame_ms: None,
            video: VideoReport::default(),
            audio: AudioReport::default(),
            control: None,
        }
    }

    /// Judges the client at its end.
    pub(super) fn finish(&mut self, steps: &Steps, mut errors: Vec<Failure>, fps: u32) {
        if let Some(age) = self.video.last_frame_age_ms
            && age > longest_silence_ms(fps)
        {
            let error = format!("the last frame came {age} ms before the end");
            errors.push(Failure { step: "stream", error });
        }
        if errors.is_empty() && self.video.counts.frames_complete == 0 {
            errors.push(Failure { step: "stream", error: "no frame came".into() });
        }
        self.steps_ms = steps.to_json();
        self.ok = errors.is_empty();
        self.errors = errors;
    }
}

/// Three seconds, or more where frames are rarer than one a second.
fn longest_silence_ms(fps: u32) -> f64 {
    3000.0_f64.max(3000.0 / f64::from(fps.max(1)))
}

impl Totals {
    /// Of these clients.
    pub(super) fn of(clients: &[ClientReport]) -> Self {
        let sum = |value: fn(&ClientReport) -> u64| clients.iter().map(value).sum();
        let (mut gaps, mut starts) = (Histogram::new(), Histogram::new());
        for client in clients {
            gaps.merge(&client.video.gaps);
            if let Some(start) = client.launch_to_first_frame_ms {
                starts.add(std::time::Duration::from_secs_f64(start / 1000.0));
            }
        }
        Self {
            clients: clients.len(),
            clients_ok: clients.iter().filter(|client| client.ok).count(),
            frames_complete: sum(|client| client.video.counts.frames_complete),
            frames_repaired: sum(|client| client.video.counts.frames_repaired),
            frames_lost: sum(|client| client.video.counts.frames_lost),
            packets: sum(|client| client.video.counts.packets + client.audio.datagrams),
            bytes: sum(|client| client.video.counts.bytes + client.audio.bytes),
            audio_lost: sum(|client| client.audio.lost),
            frame_gap_ms: gaps.summary(),
            launch_to_first_frame_ms: starts.summary(),
        }
    }
}

impl Report {
    /// One object, indented.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers, texts and maps with text keys: nothing that could fail.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HostReport { address, name, .. } = &self.host;
        writeln!(f, "{name} at {address}, {:.1} s of streaming by all", self.seconds)?;
        if !self.clients.is_empty() {
            f.write_str(&self.table())?;
        }
        if let Some(tls) = &self.tls {
            write!(f, "{tls}")?;
        }
        for client in &self.clients {
            for failure in &client.errors {
                writeln!(f, "client {}: {}: {}", client.client, failure.step, failure.error)?;
            }
        }
        let Totals { clients, clients_ok, .. } = self.totals;
        if clients > 0 {
            writeln!(f, "{clients_ok} of {clients} clients had video to the end")?;
        }
        Ok(())
    }
}

impl Report {
    fn table(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:>6} {:>8} {:>8} {:>6} {:>5} {:>9} {:>8} {:>6} {:>7} {:>7} {:>8} {:>6} {:>8}",
            "client",
            "frames",
            "repaired",
            "lost",
            "idr",
            "packets",
            "MB",
            "gap50",
            "gap99",
            "gapmax",
            "start",
            "sound",
            "result"
        );
        for client in &self.clients {
            let (video, counts) = (&client.video, &client.video.counts);
            let gap = video.frame_gap_ms;
            let start = client.launch_to_first_frame_ms.map_or("-".into(), |start| format!("{start:.0}"));
            let _ = writeln!(
                text,
                "{:>6} {:>8} {:>8} {:>6} {:>5} {:>9} {:>8.2} {:>6.1} {:>7.1} {:>7.1} {:>8} {:>6} {:>8}",
                client.client,
                counts.frames_complete,
                counts.frames_repaired,
                counts.frames_lost,
                counts.idr_frames,
                counts.packets + client.audio.datagrams,
                megabytes(counts.bytes + client.audio.bytes),
                gap.p50,
                gap.p99,
                gap.max,
                start,
                client.audio.lost,
                if client.ok { "ok" } else { "FAILED" },
            );
        }
        let totals = &self.totals;
        let gap = totals.frame_gap_ms;
        let _ = writeln!(
            text,
            "{:>6} {:>8} {:>8} {:>6} {:>5} {:>9} {:>8.2} {:>6.1} {:>7.1} {:>7.1} {:>8.0} {:>6}",
            "all",
            totals.frames_complete,
            totals.frames_repaired,
            totals.frames_lost,
            "",
            totals.packets,
            megabytes(totals.bytes),
            gap.p50,
            gap.p99,
            gap.max,
            totals.launch_to_first_frame_ms.p50,
            totals.audio_lost,
        );
        text.push_str("gap: ms from frame to frame; start: ms from launch to the first frame (all: median);\n");
        text.push_str("lost: frames; sound: Opus packets lost\n");
        text
    }
}

#[allow(clippy::cast_precision_loss, reason = "for eyes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn streamed(client: usize, age_ms: f64) -> ClientReport {
        let mut report = ClientReport::new(client);
        report.video.counts.frames_complete = 90;
        report.video.counts.packets = 400;
        report.video.last_frame_age_ms = Some(age_ms);
        report.video.gaps.add(Duration::from_millis(33));
        report.launch_to_first_frame_ms = Some(120.0);
        report.finish(&Steps::default(), Vec::new(), 30);
        report
    }

    #[test]
    fn a_client_is_fine_only_with_video_to_the_end() {
        assert!(streamed(0, 40.0).ok);
        let silent = streamed(1, 5000.0);
        assert!(!silent.ok && silent.errors[0].error.contains("before the end"), "{silent:?}");
        let mut nothing = ClientReport::new(2);
        nothing.finish(&Steps::default(), Vec::new(), 30);
        assert_eq!(nothing.errors[0].error, "no frame came");
    }

    #[test]
    fn the_table_and_the_json_have_every_client() {
        let clients = vec![streamed(0, 40.0), streamed(1, 5000.0)];
        let totals = Totals::of(&clients);
        assert_eq!((totals.clients, totals.clients_ok, totals.frames_complete, totals.packets), (2, 1, 180, 800));
        let report = crate::bench::report::Report::new("clients", crate::bench::report::Machine::default(), Vec::new());
        let host = HostReport { address: "h:1".into(), name: "name".into(), unique_id: "id".into() };
        let report =
            Report { ok: false, host, settings: Value::Null, seconds: 3.0, totals, tls: None, clients, report };
        let text = report.to_string();
        assert!(text.contains("1 of 2 clients had video to the end"), "{text}");
        assert!(text.contains("client 1: stream: the last frame came 5000 ms before the end"), "{text}");
        let json: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(json["clients"][1]["video"]["frames_complete"], 90);
        assert_eq!(json["clients"][0]["ok"], true);
    }
}
