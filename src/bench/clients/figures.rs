//! What of a run of clients can be compared with another run: each client counts as a round,
//! because what they differ by is what chance does.

use std::time::Duration;

use crate::bench::clients::report::ClientReport;
use crate::bench::clients::tls_probe::TlsReport;
use crate::bench::histogram::{Histogram, Summary};
use crate::bench::report::{Better, Case, Machine, Plot, PlotKind, Report, Series, short};
use crate::cli::ClientsArgs;

/// Of a whole run, in which all clients streamed for so long together.
pub(super) fn of(
    machine: Machine,
    args: &ClientsArgs,
    clients: &[ClientReport],
    together: Duration,
    tls: Option<&TlsReport>,
) -> Report {
    let mut cases = Vec::new();
    if !clients.is_empty() {
        let mut case = Case::new(name(args));
        clients.iter().for_each(|client| figures(&mut case, client, together));
        case.plots = plots(clients);
        let failed: Vec<_> = clients.iter().filter(|client| !client.ok).map(failure).collect();
        case.problem = failed.join("; ");
        cases.push(case);
    }
    cases.extend(tls.map(handshakes));
    Report::new("clients", machine, cases)
}

/// The same in every run that is asked for the same.
fn name(args: &ClientsArgs) -> String {
    let ClientsArgs { clients, app, size, fps, bitrate, codec, .. } = args;
    let rate = short(f64::from(*bitrate) / 1000.0);
    format!("{clients} clients, {app}, {size} at {fps} Hz, {rate} Mbit/s, {}", codec.name())
}

#[allow(clippy::cast_precision_loss, reason = "figures for eyes")]
fn figures(case: &mut Case, client: &ClientReport, together: Duration) {
    use Better::{Less, More, Neither};
    let (video, counts) = (&client.video, &client.video.counts);
    if let Some(start) = client.launch_to_first_frame_ms {
        case.add("launch to first frame", "ms", Less, start);
    }
    for (step, millis) in &client.steps_ms {
        case.add(&format!("step {step}"), "ms", Less, millis.as_f64().unwrap_or(0.0));
    }
    let Summary { p50, p99, max, .. } = video.frame_gap_ms;
    case.add("from frame to frame, median", "ms", Neither, p50);
    case.add("from frame to frame, 99 of 100", "ms", Less, p99);
    case.add("from frame to frame, longest", "ms", Less, max);
    if video.host_latency_ms.count > 0 {
        case.add("host, captured to sent, median", "ms", Less, video.host_latency_ms.p50);
        case.add("host, captured to sent, 99 of 100", "ms", Less, video.host_latency_ms.p99);
    }
    let counted = [
        ("frames whole", More, counts.frames_complete),
        ("frames repaired", Neither, counts.frames_repaired),
        ("frames lost", Less, counts.frames_lost),
        ("frames undecodable", Less, counts.frames_undecodable),
        ("sound packets lost", Less, client.audio.lost),
    ];
    for (name, better, count) in counted {
        case.add(name, "", better, count as f64);
    }
    let seconds = together.as_secs_f64().max(1e-3);
    case.add("bit rate with parity and headers", "kbit/s", Neither, counts.bytes as f64 * 8.0 / 1e3 / seconds);
    if let Some(control) = &client.control {
        case.add("round trip of control", "ms", Less, control.round_trip_ms);
    }
}

fn plots(clients: &[ClientReport]) -> Vec<Plot> {
    let plot = |title: &str, name: &str, values: Vec<f64>| Plot {
        title: title.to_owned(),
        kind: PlotKind::Distribution,
        unit: "ms".to_owned(),
        target: None,
        series: vec![Series { name: name.to_owned(), values }],
    };
    let mut gaps = Histogram::new();
    clients.iter().for_each(|client| gaps.merge(&client.video.gaps));
    let starts = clients.iter().filter_map(|client| client.launch_to_first_frame_ms).collect();
    vec![
        plot("From frame to frame, of all clients", "gap", gaps.quantiles()),
        plot("Launch to first frame", "launch", starts),
    ]
}

fn failure(client: &ClientReport) -> String {
    let reason = client.errors.first().map_or("no reason", |failure| failure.error.as_str());
    format!("client {}: {reason}", client.client)
}

fn handshakes(tls: &TlsReport) -> Case {
    let mut case = Case::new(format!("TLS handshakes beside {} stalled ones", tls.stalled));
    for (name, summary) in [("handshake", tls.handshake_ms), ("whole request", tls.request_ms)] {
        case.add(&format!("{name}, median"), "ms", Better::Less, summary.p50);
        case.add(&format!("{name}, 99 of 100"), "ms", Better::Less, summary.p99);
        case.add(&format!("{name}, longest"), "ms", Better::Less, summary.max);
    }
    if tls.failed > 0 {
        case.problem = format!("{} of them failed", tls.failed);
    }
    case
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::bench::clients::steps::Failure;
    use crate::cli::{BenchCommand, Cli, Command};

    #[test]
    fn every_client_is_a_round_and_a_failed_one_a_problem() {
        let line = ["earthshine", "bench", "clients", "-n", "2", "--size", "320x180"];
        let Command::Bench(bench) = Cli::parse_from(line).command else { panic!("no bench") };
        let BenchCommand::Clients(args) = bench.command else { panic!("not clients") };
        let mut clients = vec![ClientReport::new(0), ClientReport::new(1)];
        for (client, start) in clients.iter_mut().zip([100.0, 140.0]) {
            client.ok = true;
            client.launch_to_first_frame_ms = Some(start);
            client.video.gaps.add(Duration::from_millis(16));
        }
        let report = of(Machine::default(), &args, &clients, Duration::from_secs(3), None);
        assert_eq!(report.cases[0].name, "2 clients, Test card, 320x180 at 60 Hz, 10.0 Mbit/s, h264");
        assert_eq!(report.cases[0].figures[0].rounds, [100.0, 140.0]);
        assert!(report.is_whole());
        clients[1].ok = false;
        clients[1].errors.push(Failure { step: "stream", error: "no frame came".to_owned() });
        let tls = TlsReport { failed: 1, ..TlsReport::default() };
        let report = of(Machine::default(), &args, &clients, Duration::from_secs(3), Some(&tls));
        assert_eq!(report.cases[0].problem, "client 1: no frame came");
        assert!(!report.is_whole() && report.cases[1].problem.contains("failed"), "{report:?}");
    }
}
