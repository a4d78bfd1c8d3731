//! Configuration, and what an earlier host left.

use earthshine::config::Config;
use earthshine::host::adoption;
use earthshine::host::apps::Apps;
use earthshine::host::profiles::Profiles;
use earthshine::host::store::paired_clients::PairedClients;
use std::path::Path;

/// Configuration files.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text, Path::new("fuzz.toml")) {
        Ok(config) => assert!(!config.video.encoders.is_empty()),
        Err(error) => {
            let lines = text.split('\n').count();
            let message = error.to_string();
            let line = message.strip_prefix("fuzz.toml:").and_then(|rest| rest.split(':').next()?.parse().ok());
            assert!(line.is_some_and(|line: usize| (1..=lines).contains(&line)), "{message}");
        }
    }
}

/// The files of paired clients and of added apps.
pub fn state_file(data: &[u8]) {
    if let Ok(apps) = Apps::parse(Path::new("apps.json"), data) {
        for app in apps.list().iter() {
            assert_eq!(apps.get(app.id()).map(|found| found.id()), Some(app.id()));
        }
    }
    if let Ok(list) = Profiles::parse(Path::new("profiles.json"), data) {
        let mut written = serde_json::to_value(&list).expect("names and numbers");
        written["format"] = "earthshine profiles".into();
        written["version"] = 1.into();
        let again = Profiles::parse(Path::new("profiles.json"), written.to_string().as_bytes());
        assert_eq!(again.map(|again| again.profiles.len()).ok(), Some(list.profiles.len()));
    }
    if let Ok(clients) = PairedClients::parse(Path::new("clients.json"), data) {
        for client in clients.list() {
            assert_eq!(clients.get(client.id), Some(client.clone()));
            assert!(clients.find_short(client.id.short()).is_some());
        }
    }
}

/// Records that an earlier host left of its sessions and lobbies.
pub fn adoption_record(data: &[u8]) {
    if let Some(written) = adoption::rewritten(data) {
        let again = adoption::rewritten(&written).expect("what was written");
        let value = |bytes: &[u8]| serde_json::from_slice(bytes).expect("JSON");
        assert!(is_alike(&value(&written), &value(&again)));
    }
}

/// Whether two values are the same. A number with a fraction, which only a
/// runner has, may come back with another last digit.
fn is_alike(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (one, other) {
        (Number(one), Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => (one - other).abs() <= one.abs() * 1e-12,
            _ => one == other,
        },
        (Array(one), Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_alike(one, other))
        }
        (Object(one), Object(other)) => {
            let known = |(key, value)| other.get(key).is_some_and(|other| is_alike(value, other));
            one.len() == other.len() && one.iter().all(known)
        }
        _ => one == other,
    }
}
