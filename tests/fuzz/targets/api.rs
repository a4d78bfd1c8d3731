//! Requests to the REST API.

use earthshine::host::api::answer::ApiAnswer;
use earthshine::host::api::body::{self, WireId};
use earthshine::host::api::events::Start;
use earthshine::host::api::routes::ROUTES;
use earthshine::host::api::tcp::bearer;
use earthshine::host::apps::record::AppRecord;
use earthshine::protocol::pairing::pin_key::Pin;

/// Heads of API requests: a query, and on a second line the value of a header:
/// where a subscriber begins, and the token.
pub fn api_head(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (query, header) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if let Some(token) = bearer(header) {
        assert!(!token.is_empty() && token.trim_ascii() == token);
    }
    match Start::parse(&String::from_utf8_lossy(query), Some(header)) {
        Ok(start) => assert!(start.after("x").is_some() || start.after("y").is_none()),
        Err(error) => assert!(error.to_string().len() < 1000),
    }
}

/// Bodies of API requests; the PIN in them; the answer to a wrong one.
pub fn api_body(data: &[u8]) {
    for answer in [body::parse::<WireId>(Ok(data.to_vec())).err(), body::parse::<String>(Ok(data.to_vec())).err()] {
        if let Some(ApiAnswer::Failure(_, text)) = &answer {
            assert!(!text.is_empty());
        }
        let _ = answer.map(ApiAnswer::into_response);
    }
    if let Ok(text) = body::parse::<String>(Ok(data.to_vec())) {
        let _ = Pin::parse(&text);
    }
    // What is no JSON is no body of any kind, which the above has seen.
    if serde_json::from_slice::<serde_json::Value>(data).is_err() {
        return;
    }
    let known = ROUTES.iter().filter(|route| route.reads.is_some_and(|reads| reads(data))).count();
    assert!(known == 0 || data.contains(&b'{') || data.contains(&b'['), "a body that is no object or list");
    if let Ok(record) = body::parse::<AppRecord>(Ok(data.to_vec()))
        && record.check().is_ok()
    {
        assert!((1..=0x7fff_ffff).contains(&record.app_id().0));
        if let Ok(app) = record.program() {
            assert!(app.id() == record.app_id() && (!app.test_card || app.command.is_empty()));
        }
    }
}
