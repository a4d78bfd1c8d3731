//! `earthshine bench` with hosts, compositors and programs of its own: very short runs, in
//! which frames must come and none may be wrong. What they took is nobody's business here.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::needs;
use crate::support::scratch::Scratch;

#[path = "support/mod.rs"]
mod support;

#[test]
fn the_pipeline_shows_every_frame_as_it_was_drawn() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let flags = "--sizes 320x180 --fps 30 --bitrates 1500 --content cuts,still --seconds 1 --rounds 1";
    let (report, page) = bench("pipeline", flags);
    for case in cases(&report, 2) {
        assert!(figure(case, "frames seen") > 0.0, "{case:#}");
        assert!(figure(case, "pictures wrong").abs() < 1e-9, "{case:#}");
        assert!(figure(case, "drawn to decoded, median") > 0.0, "{case:#}");
        assert!(figure(case, "PSNR of luma, mean") > 15.0, "{case:#}");
        assert!(figure(case, "stage encoded, median") > 0.0, "{case:#}");
    }
    assert!(page.contains("software, 320x180 at 30 Hz, 1.50 Mbit/s, cuts") && page.contains("<svg"));
}

#[test]
fn keys_and_buttons_are_answered_on_still_and_busy_screens() {
    let Some(_turn) = needs::whole_machine(needs::DESKTOP) else { return };
    let flags = "--size 320x180 --fps 30 --bitrate 1500 --refresh 1,2 --presses 4 --rounds 1";
    let (report, _) = bench("input", flags);
    for case in cases(&report, 4) {
        assert!(figure(case, "presses without an answer").abs() < 1e-9, "{case:#}");
        assert!(figure(case, "answers in a wrong colour").abs() < 1e-9, "{case:#}");
        assert!(figure(case, "pressed to decoded, median") > 0.0, "{case:#}");
    }
}

#[test]
fn what_ours_and_another_program_send_is_what_they_were_fed() {
    let Some(_turn) = needs::whole_machine(&["ffmpeg"]) else { return };
    let flags = "--size 320x180 --fps 30 --bitrate 1500 --content text --seconds 1 --rounds 1 \
                 --groups fed --only earthshine,FFmpeg";
    let (report, page) = bench("peers", flags);
    // All in one plot, ours, and FFmpeg with two presets.
    for case in &cases(&report, 4)[1..] {
        assert!(figure(case, "pictures wrong").abs() < 1e-9, "{case:#}");
        assert!(figure(case, "bit rate of pictures") > 0.0, "{case:#}");
        assert!(figure(case, "PSNR of luma, mean") > 15.0, "{case:#}");
    }
    assert!(page.contains("earthshine, software"));
}

#[test]
fn ours_and_another_program_capture_what_a_window_draws() {
    let Some(_turn) = needs::whole_machine(&[needs::DESKTOP, &["wf-recorder"]].concat()) else { return };
    let flags = "--size 320x180 --fps 30 --bitrate 1500 --content game --seconds 1 --rounds 1 \
                 --groups captured --only earthshine,wf-recorder --pixelflux-python /nowhere/python";
    let (report, page) = bench("peers", flags);
    // Both in one plot, ours, and wf-recorder.
    for case in &cases(&report, 3)[1..] {
        assert!(figure(case, "frames seen") > 0.0, "{case:#}");
        assert!(figure(case, "pictures wrong").abs() < 1e-9, "{case:#}");
        assert!(figure(case, "drawn to last packet, median") > 0.0, "{case:#}");
        assert!(figure(case, "PSNR of luma, mean") > 15.0, "{case:#}");
    }
    let remarks = report["remarks"].to_string();
    assert!(remarks.contains("not measured: pixelflux, which /nowhere/python does not have"), "{remarks}");
    assert!(page.contains("wf-recorder, libx264 ultrafast"));
}

/// The report of a bench that succeeds, and its page.
fn bench(name: &str, flags: &str) -> (Value, String) {
    let scratch = Scratch::new();
    let page = scratch.join("page.html");
    let output = Command::new(env!("CARGO_BIN_EXE_earthshine"))
        .args(["bench", name, "--json", "-", "--html"])
        .arg(&page)
        .args(flags.split_whitespace())
        .output()
        .expect("run earthshine");
    let complaint = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {complaint}"));
    assert!(output.status.success(), "{complaint}\n{report:#}");
    assert_eq!(report["bench"], name);
    (report, fs::read_to_string(&page).expect("a page"))
}

fn cases(report: &Value, count: usize) -> &[Value] {
    let cases = report["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), count, "{report:#}");
    assert!(cases.iter().all(|case| case["problem"] == ""), "{report:#}");
    cases
}

fn figure(case: &Value, name: &str) -> f64 {
    let figures = case["figures"].as_array().expect("figures");
    let found = figures.iter().find(|figure| figure["name"] == name);
    found.and_then(|figure| figure["rounds"][0].as_f64()).unwrap_or_else(|| panic!("no {name}: {case:#}"))
}
