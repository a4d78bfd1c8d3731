//! `/api/v1/utils/get-icon`: pictures of apps, profiles and lobbies.
//!
//! Only files that one of those names are served, and only if they are
//! pictures: the host may read more than its callers. What is not on this
//! machine is not fetched.

use std::io::Read;
use std::path::PathBuf;

use hyper::StatusCode;
use hyper::body::Bytes;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::route::Answering;
use crate::host::context::Context;

/// `GET /api/v1/utils/get-icon?icon_path=`.
pub fn get<'a>(context: &'a Context, query: &'a str) -> Answering<'a> {
    Box::pin(async move {
        let path = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "icon_path");
        let Some((_, path)) = path else { return missing("icon_path is missing") };
        if path.contains("://") {
            return missing("this host fetches no icons from elsewhere");
        }
        if !is_known(context, &path) {
            return missing("no app, profile or lobby has this icon");
        }
        let path = PathBuf::from(path.as_ref());
        match tokio::task::spawn_blocking(move || read(&path)).await {
            Ok(Ok((media_type, bytes))) => ApiAnswer::Bytes(media_type, bytes),
            Ok(Err(error)) => missing(&error.to_string()),
            Err(error) => ApiAnswer::failed(error.to_string()),
        }
    })
}

fn missing(reason: &str) -> ApiAnswer {
    ApiAnswer::Failure(StatusCode::NOT_FOUND, reason.to_owned())
}

fn is_known(context: &Context, path: &str) -> bool {
    let apps = context.apps.list();
    let profiles = context.people.list();
    let of_profiles = profiles.profiles.iter().flat_map(|profile| {
        let own = [profile.icon_png_path.as_str()].into_iter();
        own.chain(profile.apps.iter().filter_map(|app| app.icon_png_path.as_deref()))
    });
    let mut known = apps.iter().filter_map(|app| app.record().icon_png_path.as_deref()).chain(of_profiles);
    known.any(|icon| icon == path)
        || context.lobbies.list().iter().any(|lobby| lobby.icon_png_path.as_deref() == Some(path))
}

fn read(path: &std::path::Path) -> std::io::Result<(&'static str, Bytes)> {
    if !path.is_absolute() {
        return Err(std::io::Error::other("not an absolute path on this host"));
    }
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("larger than {MAX_BYTES} bytes")));
    }
    let media_type = SIGNATURES.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name);
    media_type.map(|name| (name, bytes.into())).ok_or_else(|| std::io::Error::other("not a PNG, JPEG or WebP picture"))
}

const SIGNATURES: [(&[u8], &str); 3] =
    [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp")];

/// As for box art.
const MAX_BYTES: u64 = 4 << 20;
