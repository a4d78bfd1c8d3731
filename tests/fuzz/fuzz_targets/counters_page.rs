//! Fuzzes `counters_page`; see `targets.rs`.
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "one of many targets")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::processes::counters_page(data));
