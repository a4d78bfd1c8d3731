//! `surround.json`: what clients make of the channel mappings we advertise.

use earthshine::protocol::rtsp::surround::{Quality, client_mapping, layout, params};

use crate::vectors::{load, text};

#[test]
fn the_client_rule_gives_the_recorded_mappings() {
    for case in load("surround")["cases"].as_array().unwrap() {
        let expected: Vec<u8> = serde_json::from_value(case["mapping_after_client_transform"].clone()).unwrap();
        assert_eq!(client_mapping(text(case, "value"), Quality::Normal), Some(expected), "{case}");
    }
}

#[test]
fn our_lines_are_the_proven_ones() {
    let vectors = load("surround");
    for (case, channels) in [(0, 6), (1, 8)] {
        let (layout, _) = layout(channels, Quality::Normal).unwrap();
        assert_eq!(params(&layout, Quality::Normal), text(&vectors["cases"][case], "value"));
    }
    for (case, channels) in [(0, 6), (1, 8)] {
        let (layout, _) = layout(channels, Quality::High).unwrap();
        assert_eq!(params(&layout, Quality::High), vectors["high_quality"][case].as_str().unwrap());
    }
}
