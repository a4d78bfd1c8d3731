//! `/api/v1/utils/get-icon`: pictures of apps, profiles and lobbies.
//!
//! Only files that one of those names are served, and only if they are
//! pictures: the host may read more than its callers. Programs in desktops get
//! those that the operator has named, and not a lobby's: they can create
//! lobbies, and could have the host read any picture for them. What is not on
//! this machine is not fetched.

use std::io::Read;
use std::path::PathBuf;

use hyper::StatusCode;
use hyper::body::Bytes;

use crate::host::api::answer::ApiAnswer;
use crate::host::api::route::Answering;
use crate::host::context::Context;

/// `GET /api/v1/utils/get-icon?icon_path=`.
pub fn get<'a>(context: &'a Context, query: &'a str) -> Answering<'a> {
    serve(context, query, |context, path| is_of_app(context, path) || is_of_lobby(context, path))
}

/// The same for programs in desktops: pictures of apps and profiles.
pub(super) fn get_of_apps<'a>(context: &'a Context, query: &'a str) -> Answering<'a> {
    serve(context, query, is_of_app)
}

fn serve<'a>(context: &'a Context, query: &'a str, is_known: fn(&Context, &str) -> bool) -> Answering<'a> {
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

fn is_of_app(context: &Context, path: &str) -> bool {
    let apps = context.apps.list();
    let profiles = context.people.list();
    let of_profiles = profiles.profiles.iter().flat_map(|profile| {
        let own = [profile.icon_png_path.as_str()].into_iter();
        own.chain(profile.apps.iter().filter_map(|app| app.icon_png_path.as_deref()))
    });
    let mut known = apps.iter().filter_map(|app| app.record().icon_png_path.as_deref()).chain(of_profiles);
    known.any(|icon| icon == path)
}

fn is_of_lobby(context: &Context, path: &str) -> bool {
    context.lobbies.list().iter().any(|lobby| lobby.icon_png_path.as_deref() == Some(path))
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
    media_type(&bytes)
        .map(|name| (name, bytes.into()))
        .ok_or_else(|| std::io::Error::other("not a PNG, JPEG or WebP picture"))
}

/// What kind of picture a file with this content is, by its first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        // RIFF alone is also sound and film.
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// As for box art.
const MAX_BYTES: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_pictures() {
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(media_type(b"RIFF\x10\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [b"RIFF\x10\0\0\0WAVEfmt ".as_slice(), b"RIFF", b"\x89PNG", b"", b"root:x:0:0"] {
            assert_eq!(media_type(other), None, "{other:?}");
        }
    }
}
