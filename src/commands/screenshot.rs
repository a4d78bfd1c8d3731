//! `earthshine screenshot`: what a session or a lobby shows.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::commands::{CommandError, HostArgs, print};
use crate::stream_plan::CaptureMemory;
use crate::worker::screenshot::Format;

/// `earthshine screenshot`.
#[derive(Debug, Args)]
pub struct ScreenshotArgs {
    /// Of what.
    of: Of,
    /// Number of the session, or id of the lobby.
    id: String,
    /// File that it goes to; - is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// File format.
    #[arg(long, default_value = "png")]
    format: Format,
    /// Pixels in a row, if fewer than there are.
    #[arg(long, value_name = "PIXELS")]
    width: Option<u32>,
    #[command(flatten)]
    host: HostArgs,
}

/// What has a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// A session.
    Session,
    /// A lobby.
    Lobby,
}

/// `earthshine picture`.
#[derive(Debug, Args)]
pub struct PictureArgs {
    /// File format.
    #[arg(long, default_value = "png")]
    pub format: Format,
    /// Pixels in a row, if fewer than there are.
    #[arg(long)]
    pub width: Option<u32>,
    /// Wayland socket of the desktop; else the picture is on standard input.
    #[arg(long)]
    pub wayland: Option<PathBuf>,
    /// What the desktop draws it into, as in video.capture.
    #[arg(long, value_name = "MEMORY", value_parser = parse_memory, default_value = "shm")]
    pub capture: CaptureMemory,
    /// As video.capture_device.
    #[arg(long, value_name = "NODE")]
    pub capture_device: Option<PathBuf>,
}

fn parse_memory(text: &str) -> Result<CaptureMemory, String> {
    let found = CaptureMemory::ALL.into_iter().find(|memory| memory.name() == text);
    found.ok_or_else(|| "expected auto, shm or dmabuf".to_owned())
}

impl ScreenshotArgs {
    /// Takes it.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn run(&self) -> Result<(), CommandError> {
        let list = match self.of {
            Of::Session => "sessions",
            Of::Lobby => "lobbies",
        };
        let format = match self.format {
            Format::Png => "png",
            Format::Jpeg => "jpeg",
            Format::Webp => "webp",
        };
        let id: String = form_urlencoded::byte_serialize(self.id.as_bytes()).collect();
        let width = self.width.map(|width| format!("&width={width}")).unwrap_or_default();
        let file = self.host.api().file(&format!("/api/v1/{list}/{id}/screenshot?format={format}{width}"))?;
        if self.output.as_os_str() == "-" {
            return Ok(io::stdout().lock().write_all(&file)?);
        }
        let failed = |error: io::Error| CommandError::File { file: self.output.clone(), why: error.to_string() };
        std::fs::write(&self.output, &file).map_err(failed)?;
        if self.host.json {
            return print(&json!({"success": true, "file": self.output, "bytes": file.len()}));
        }
        print(&format_args!("{}: {} bytes", self.output.display(), file.len()))
    }
}
