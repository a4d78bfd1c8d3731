//! Streams through bad networks in real time: the built host on one side, a client in a
//! network namespace on the other, and between them the kernel's token bucket, or the link of
//! the simulation (`src/bench/network/real_time`).
//!
//! Here is shown that all parts work together; how well they do is shown in virtual time
//! (`src/bench/network`), which no other load on the machine disturbs.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use earthshine::bench::network::real_time::way::{HOST, Way};
use earthshine::bench::network::trace::Trace;
use earthshine::units::Size;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::client::{Device, Wanted};
use crate::support::deadline::{SOON, wait_for};
use crate::support::host::{Host, metric, metrics, type_pin_later};
use crate::support::scratch::Scratch;
use crate::support::{api, needs, picture, process, skip};

#[path = "support/mod.rs"]
mod support;

const CONFIG: &str = "[host]\ndiscovery = false\n\n[health]\ncanary_interval = 60\n\n[admission]\ncpu_percent = 0\n\n\
     [network]\nminimum_bitrate_kbps = 200\n";

/// The picture's share is what a test card of this size fills.
const CLIENT: &[&str] = &["--size", "640x360", "--fps", "30", "--bitrate", "3000", "--seconds", "300"];

#[test]
fn the_bit_rate_follows_a_link_that_gets_narrow_and_wide_again() {
    let Some(link) = Link::new() else { return };
    let _turn = needs::whole_machine_without_client();
    let host = Host::with_config(Scratch::new(), CONFIG, link.host_address());
    let mut client = link.client(&host);
    let wide = wait_for("all that was asked for, and a known round trip", SOON, || {
        let network = network(&host)?;
        let whole = network["bitrate_kbps"] == network["asked_kbps"];
        (whole && network["round_trip_ms"].is_number()).then_some(network)
    });
    assert_eq!(wide["adapts"], true, "{wide}");

    let sent = || metric(&host, "earthshine_video_bytes_total");
    let before = sent();
    std::thread::sleep(Duration::from_secs(3));
    let kbps = (sent() - before) * 8.0 / 3000.0;
    assert!(kbps > 500.0, "the test card fills no link: {kbps} kbit/s");
    link.narrow(kbps / 2.0);
    let less = wait_for("less for a narrow link", SOON, || {
        let network = network(&host)?;
        let fits = network["bitrate_kbps"].as_f64()? < kbps / 2.0 && network["queue_ms"].as_f64()? < 50.0;
        (fits && network["back_offs"].as_u64() > wide["back_offs"].as_u64()).then_some(network)
    });
    let told = metrics(&host);
    assert!(told.contains("event=\"BitrateReduced\""), "{less}\n{told}");

    link.widen();
    let narrow = less["bitrate_kbps"].as_f64().expect("a bit rate");
    wait_for("more for a wide link", SOON * 3, || {
        network(&host).filter(|network| network["bitrate_kbps"].as_f64() > Some(narrow * 1.3))
    });
    process::signal(client.id(), Signal::INT);
    let status = wait_for("the client's end", SOON, || client.try_wait().expect("wait"));
    assert!(status.success(), "the client ended with {status}");
    wait_for("the end of the session", SOON, || api::sessions(host.api()).is_empty().then_some(()));
    host.stop();
}

#[test]
fn the_real_client_streams_on_through_losses_and_a_link_that_gets_narrow() {
    let Some(way) = way() else { return };
    let Some(_turn) = needs::whole_machine(&["ffmpeg"]) else { return };
    // The test's own questions to the host go where the host is.
    way.host_side().within(|| stream_through(&way)).expect("a thread at the host's side");
}

fn stream_through(way: &Way) {
    let address: &'static str = Box::leak(HOST.to_string().into_boxed_str());
    let host = Host::with_config(Scratch::new(), CONFIG, address);
    let device = Device::new(&host, "device").by_address(address);
    let typing = type_pin_later(&host, "4711");
    let at_client = way.client_side();
    at_client.within(|| device.pair("4711")).expect("the client's side").expect("pairing");
    typing.join().expect("the PIN was typed");
    let size = Size::new(640, 360);
    let wanted = Wanted { width: size.width, height: size.height, bitrate_kbps: 3000, ..Wanted::app("Test card") };
    let mut stream = at_client.within(|| device.stream(&wanted)).expect("the client's side");
    wait_for("a known round trip", SOON, || network(&host)?["round_trip_ms"].is_number().then_some(()));
    let began_with = network(&host).expect("a network");

    // Losses: parity follows, and frames go on.
    way.lay(trace("loss"), 1);
    let _ = way.play();
    wait_for("losses that the host knows", SOON, || (network(&host)?["loss"].as_f64()? > 0.0).then_some(()));
    wait_for("another parity", SOON, || (network(&host)?["fec_percent"] != began_with["fec_percent"]).then_some(()));
    stream.wait_frames(150);
    let carried = way.calm();
    assert!(carried.lost > 0 && carried.lost * 10 < carried.packets, "{} of {}", carried.lost, carried.packets);

    // A link that carries half of what is really sent, sound among it, for a third of the time.
    let sent = || metric(&host, "earthshine_video_bytes_total");
    let before = sent();
    std::thread::sleep(Duration::from_secs(3));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bit rate")]
    let kbps = ((sent() - before) * 8.0 / 3000.0) as u32;
    assert!(kbps > 500, "the test card fills no link: {kbps} kbit/s");
    way.lay(trace("step").for_picture_of(kbps * 2).lasting(24), 1);
    let _ = way.play();
    let less = wait_for("less for a narrow link", SOON, || {
        let network = network(&host)?;
        let fits = network["bitrate_kbps"].as_u64()? < u64::from(kbps);
        (fits && network["back_offs"].as_u64() > began_with["back_offs"].as_u64()).then_some(network)
    });
    let told = metrics(&host);
    assert!(told.contains("event=\"BitrateReduced\""), "{less}\n{told}");
    stream.wait_frames(100);
    let _ = way.calm();
    let narrow = less["bitrate_kbps"].as_f64().expect("a bit rate");
    wait_for("more for a wide link", SOON * 3, || {
        network(&host).filter(|network| network["bitrate_kbps"].as_f64() > Some(narrow * 1.3))
    });

    stream.wait_frames(60);
    let files = stream.files.clone();
    let summary = at_client.within(|| stream.quit()).expect("the client's side");
    assert_eq!(summary["end_code"], Value::Null, "the stream was not ended by anybody else");
    assert!(picture::last(&files.video, size).marker().is_some(), "the last frame shows no number");
    host.stop();
}

#[test]
fn the_bench_streams_in_real_time_too() {
    let Some(way) = way() else { return };
    drop(way);
    let _turn = needs::whole_machine_without_client();
    let output = Command::new(env!("CARGO_BIN_EXE_earthshine"))
        .args(["bench", "network", "--real-time", "--traces", "clean,wifi", "--seconds", "3", "--json", "-"])
        .output()
        .expect("run earthshine");
    // On a machine that does something else it may say that it is not to be believed.
    let complaint = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {complaint}"));
    let cases = report["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 4, "{report:#}");
    for case in cases {
        let figure = |name: &str| {
            let figures = case["figures"].as_array().expect("figures");
            let found = figures.iter().find(|figure| figure["name"] == name);
            found.and_then(|figure| figure["rounds"][0].as_f64()).unwrap_or_else(|| panic!("no {name}: {case:#}"))
        };
        assert!(figure("picture shown") > 1000.0 && figure("sent in all") > figure("picture shown"), "{case:#}");
        assert!(figure("delay, median") > 0.0 && figure("streams that broke").abs() < 1e-9, "{case:#}");
        let is_lossy = case["name"].as_str().is_some_and(|name| name.contains("wifi"));
        assert!(is_lossy || figure("packets lost on the way").abs() < 1e-9, "{case:#}");
    }
}

/// A way that is good at first; `None` where the machine does not let us, which is said.
fn way() -> Option<Way> {
    let opened = Way::open(trace("clean"), 1);
    opened.map_err(|why| skip::say(&format!("network namespaces and TUN devices ({why:#})"))).ok()
}

fn trace(name: &str) -> Trace {
    Trace::named(name).expect("a trace")
}

/// What the API says of the way to the only client.
fn network(host: &Host) -> Option<Value> {
    let sessions = api::sessions(host.api());
    let network = &sessions.first()?["network"];
    network.is_object().then(|| network.clone())
}

/// A pair of virtual network cards, one of them in a namespace of its own.
#[derive(Debug)]
struct Link {
    namespace: String,
    near: String,
    /// Numbers of the network 10.x.y.0/30.
    network: (u32, u32),
}

impl Link {
    /// `None` where the machine does not let us, which is said.
    fn new() -> Option<Self> {
        let id = std::process::id();
        let link =
            Self { namespace: format!("es-{id}"), near: format!("es{id}"), network: (128 + id / 250 % 120, id % 250) };
        let far = format!("esf{id}");
        let (address, client) = (format!("{}/30", link.host_address()), format!("{}/30", link.address(2)));
        let made = [
            vec!["ip", "netns", "add", &link.namespace],
            vec!["ip", "link", "add", &link.near, "type", "veth", "peer", "name", &far],
            vec!["ip", "link", "set", &far, "netns", &link.namespace],
            vec!["ip", "address", "add", &address, "dev", &link.near],
            vec!["ip", "link", "set", &link.near, "up"],
            vec!["ip", "-n", &link.namespace, "address", "add", &client, "dev", &far],
            vec!["ip", "-n", &link.namespace, "link", "set", &far, "up"],
            // The token bucket, which not every kernel has.
            link.bucket(1e6),
            vec!["tc", "qdisc", "del", "dev", &link.near, "root"],
        ]
        .iter()
        .try_for_each(|command| run(command));
        if let Err(why) = made {
            skip::say(&format!("network namespaces, virtual network cards and tc's tbf ({why})"));
            return None;
        }
        Some(link)
    }

    /// The host's address, for as long as the test lives.
    fn host_address(&self) -> &'static str {
        Box::leak(self.address(1).into_boxed_str())
    }

    fn address(&self, number: u32) -> String {
        format!("10.{}.{}.{number}", self.network.0, self.network.1)
    }

    fn narrow(&self, kbps: f64) {
        run(&self.bucket(kbps)).expect("a narrow link");
    }

    fn widen(&self) {
        run(&["tc", "qdisc", "del", "dev", &self.near, "root"]).expect("a wide link");
    }

    fn bucket(&self, kbps: f64) -> Vec<&str> {
        let rate: &'static str = Box::leak(format!("{kbps:.0}kbit").into_boxed_str());
        vec![
            "tc", "qdisc", "replace", "dev", &self.near, "root", "tbf", "rate", rate, "burst", "8kb", "latency",
            "400ms",
        ]
    }

    /// A client on the other side.
    fn client(&self, host: &Host) -> Child {
        Command::new("ip")
            .args(["netns", "exec", &self.namespace, env!("CARGO_BIN_EXE_earthshine"), "bench", "clients"])
            .args(["--host", self.host_address(), "--port", &host.ready.http.to_string(), "--api-socket"])
            .arg(host.api())
            .arg("--identities")
            .arg(host.scratch.join("clients"))
            .args(CLIENT)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a client")
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = run(&["ip", "link", "del", &self.near]);
        let _ = run(&["ip", "netns", "del", &self.namespace]);
    }
}

fn run(command: &[&str]) -> Result<(), String> {
    let output = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{}: {}", command.join(" "), String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{}: {error}", command[0])),
    }
}
