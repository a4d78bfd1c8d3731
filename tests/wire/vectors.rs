//! Access to the files in `tests/wire/vectors/`.

use earthshine::protocol::secret::SessionKey;
use serde_json::Value;

/// Names of the recorded sessions.
pub(crate) const SESSIONS: [&str; 6] = [
    "session_av1_enc",
    "session_h264_71_normal",
    "session_h264_71_normal_short_rotation",
    "session_h264_non_sunshine",
    "session_h264_plain_51",
    "session_hevc_71_hq",
];

/// One file.
pub(crate) fn load(name: &str) -> Value {
    let path = format!("{}/tests/wire/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// A string field.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field} in {value}"))
}

/// A string field of hex digits.
pub(crate) fn bytes(value: &Value, field: &str) -> Vec<u8> {
    hex::decode(text(value, field)).unwrap()
}

/// A string field of hex digits of known length.
pub(crate) fn array<const N: usize>(value: &Value, field: &str) -> [u8; N] {
    bytes(value, field).try_into().unwrap()
}

/// The key of a session or of the cipher vectors.
pub(crate) fn key(value: &Value, field: &str) -> SessionKey {
    SessionKey::new(array(value, field))
}
