//! `/api/v1/sessions/{session_id}/screenshot` and the same of lobbies.

use std::path::PathBuf;

use hyper::StatusCode;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::route::Answering;
use crate::host::context::Context;
use crate::host::screenshot::{self, Origin};
use crate::host::sessions::view::DesktopView;
use crate::host::supervisor::worker_link::WorkerLink;
use crate::ids::SessionId;

/// What a session shows.
pub fn of_session<'a>(context: &'a Context, query: &'a str) -> Answering<'a> {
    Box::pin(async move {
        let Some(id) = parameter(query, "session_id").and_then(|id| id.parse::<u64>().ok()) else { return unknown() };
        let Some(session) = context.sessions.resolve(id) else { return unknown() };
        let records = context.sessions.records();
        let Some((_, record)) = records.iter().find(|(id, _)| *id == session) else { return unknown() };
        let origin = record.worker().map(Origin::Worker).or_else(|| compositor(record.view().desktop));
        let nothing = "the session shows nothing: it has no desktop, and its client is not connected";
        match origin {
            Some(origin) => answer(origin, query).await,
            None => ApiAnswer::failed(nothing),
        }
    })
}

/// What a lobby shows.
pub fn of_lobby<'a>(context: &'a Context, query: &'a str) -> Answering<'a> {
    Box::pin(async move {
        let wanted = parameter(query, "lobby_id").unwrap_or_default();
        let mut lobbies = context.lobbies.list().into_iter();
        let Some(lobby) = lobbies.find(|lobby| lobby.id == wanted) else { return unknown() };
        let visitors = lobby.connected_sessions.iter().filter_map(|id| id.parse::<SessionId>().ok());
        let records = context.sessions.records();
        let worker = |visitor: SessionId| -> Option<WorkerLink> {
            let (_, record) = records.iter().find(|(id, _)| *id == visitor)?;
            record.worker()
        };
        let origin = visitors.filter_map(worker).next().map(Origin::Worker).or_else(|| compositor(lobby.desktop));
        match origin {
            Some(origin) => answer(origin, query).await,
            None => ApiAnswer::failed("the lobby's desktop is not up yet; try again"),
        }
    })
}

async fn answer(origin: Origin, query: &str) -> ApiAnswer {
    let format = parameter(query, "format").unwrap_or_else(|| "png".to_owned());
    let Some((format, media_type)) = FORMATS.iter().find(|(name, _)| *name == format) else {
        return ApiAnswer::failed(format!("format is {format:?}, expected png, jpeg or webp"));
    };
    let width = match parameter(query, "width").map(|width| width.parse::<u32>()) {
        None => None,
        Some(Ok(width)) if (1..=MOST_WIDTH).contains(&width) => Some(width),
        Some(_) => return ApiAnswer::failed(format!("width is not a number of pixels within 1..{MOST_WIDTH}")),
    };
    match screenshot::take(origin, format, width).await {
        Ok(file) => ApiAnswer::Bytes(media_type, file),
        Err(error) => ApiAnswer::failed(error.to_string()),
    }
}

fn compositor(desktop: Option<DesktopView>) -> Option<Origin> {
    desktop.map(|desktop| Origin::Compositor(PathBuf::from(desktop.wayland_socket)))
}

fn unknown() -> ApiAnswer {
    ApiAnswer::Failure(StatusCode::NOT_FOUND, "there is no session or lobby with this id".to_owned())
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

const FORMATS: &[(&str, &str)] = &[("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")];
const MOST_WIDTH: u32 = 8192;
