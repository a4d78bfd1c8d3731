//! Talking to sway: its i3-compatible IPC, sway-ipc(7).
//!
//! A message is `i3-ipc`, length and type (u32, native byte order), payload;
//! the answer has the same head and JSON inside. Spoken directly instead of
//! through `swaymsg`, which saves a process per question and tells whether the
//! mode was really taken. Every exchange has a deadline.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::units::{FrameRate, Size};

/// A running sway.
#[derive(Debug, Clone)]
pub(super) struct SwayIpc {
    socket: PathBuf,
}

/// Why sway did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum SwayError {
    /// Its socket failed.
    #[error("sway's socket: {0}")]
    Io(#[from] io::Error),
    /// It did not answer in time.
    #[error("sway did not answer within {0:?}")]
    Timeout(Duration),
    /// It answered something that is no sway answer.
    #[error("sway's answer is not understood: {0}")]
    Answer(String),
    /// It refused a command.
    #[error("sway refused \"{command}\": {reason}")]
    Refused {
        /// The command.
        command: String,
        /// Its reason.
        reason: String,
    },
}

/// An output and its mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Name, `HEADLESS-1` usually.
    pub name: String,
    /// Size in pixels.
    pub size: Size,
    /// Thousandths of a hertz.
    pub refresh: u32,
}

impl Output {
    /// Whether it shows this mode, to the hundredth of a hertz.
    pub(super) fn shows(&self, size: Size, frame_rate: FrameRate) -> bool {
        self.size == size && self.refresh.abs_diff(frame_rate.millihertz()) <= 10
    }
}

impl SwayIpc {
    /// The sway that listens, or will listen, on `socket`.
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Its outputs; those without a mode are left out.
    pub(super) async fn outputs(&self) -> Result<Vec<Output>, SwayError> {
        read_outputs(&self.ask(GET_OUTPUTS, "").await?)
    }

    /// Runs one command.
    pub(super) async fn run(&self, command: &str) -> Result<(), SwayError> {
        read_outcome(command, &self.ask(RUN_COMMAND, command).await?)
    }

    async fn ask(&self, kind: u32, payload: &str) -> Result<Vec<u8>, SwayError> {
        timeout(DEADLINE, self.exchange(kind, payload)).await.map_err(|_| SwayError::Timeout(DEADLINE))?
    }

    async fn exchange(&self, kind: u32, payload: &str) -> Result<Vec<u8>, SwayError> {
        let mut stream = UnixStream::connect(&self.socket).await?;
        stream.write_all(&message(kind, payload)).await?;
        let mut head = [0; HEAD];
        stream.read_exact(&mut head).await?;
        let mut answer = vec![0; payload_length(&head)?];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

/// The outputs in an answer; those without a mode are left out.
///
/// # Errors
/// [`SwayError::Answer`].
pub fn read_outputs(answer: &[u8]) -> Result<Vec<Output>, SwayError> {
    let outputs: Vec<RawOutput> = parse(answer)?;
    Ok(outputs.into_iter().filter_map(RawOutput::checked).collect())
}

/// What became of `command`, by the answer to it.
///
/// # Errors
/// [`SwayError::Refused`], [`SwayError::Answer`].
pub fn read_outcome(command: &str, answer: &[u8]) -> Result<(), SwayError> {
    let results: Vec<CommandResult> = parse(answer)?;
    match results.into_iter().find(|result| !result.success) {
        None => Ok(()),
        Some(result) => Err(SwayError::Refused {
            command: command.to_owned(),
            reason: result.error.unwrap_or_else(|| "no reason given".to_owned()),
        }),
    }
}

/// The command that gives `output` a mode.
pub(super) fn mode_command(output: &str, size: Size, frame_rate: FrameRate) -> String {
    format!("output {output} mode --custom {size}@{frame_rate}Hz")
}

#[derive(Deserialize)]
struct CommandResult {
    success: bool,
    error: Option<String>,
}

#[derive(Deserialize)]
struct RawOutput {
    name: String,
    current_mode: Option<RawMode>,
}

#[derive(Deserialize)]
struct RawMode {
    width: u32,
    height: u32,
    refresh: u32,
}

impl RawOutput {
    fn checked(self) -> Option<Output> {
        let mode = self.current_mode?;
        Some(Output { name: self.name, size: Size::new(mode.width, mode.height), refresh: mode.refresh })
    }
}

fn parse<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, SwayError> {
    serde_json::from_slice(answer).map_err(|error| SwayError::Answer(error.to_string()))
}

fn message(kind: u32, payload: &str) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    [MAGIC, &length.to_ne_bytes(), &kind.to_ne_bytes(), payload.as_bytes()].concat()
}

/// Bytes that follow this head.
///
/// # Errors
/// [`SwayError::Answer`] for another head, and for an answer too long.
pub fn payload_length(head: &[u8; HEAD]) -> Result<usize, SwayError> {
    let length = head
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.first_chunk())
        .map(|bytes| u32::from_ne_bytes(*bytes))
        .ok_or_else(|| SwayError::Answer(format!("head {}", hex::encode(head))))?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_ANSWER {
        return Err(SwayError::Answer(format!("{length} bytes")));
    }
    Ok(length)
}

const MAGIC: &[u8] = b"i3-ipc";
/// Magic, length, type.
pub const HEAD: usize = 6 + 4 + 4;
const RUN_COMMAND: u32 = 0;
const GET_OUTPUTS: u32 = 3;
/// An answer is a few kilobytes; the compositor may be anybody's program.
pub const MAX_ANSWER: usize = 1 << 20;
/// sway answers within a frame; under heavy load within many.
const DEADLINE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed_as_sway_ipc_7_says() {
        let bytes = message(GET_OUTPUTS, "ab");
        assert_eq!(&bytes[..6], b"i3-ipc");
        assert_eq!(bytes[6..10], 2_u32.to_ne_bytes());
        assert_eq!(bytes[10..14], 3_u32.to_ne_bytes());
        assert_eq!(&bytes[14..], b"ab");
        assert_eq!(payload_length(bytes[..14].try_into().unwrap()).unwrap(), 2);
    }

    #[test]
    fn foreign_answers_are_errors() {
        assert!(payload_length(b"i4-ipc\0\0\0\0\0\0\0\0").is_err());
        assert!(payload_length(b"i3-ipc\xff\xff\xff\xff\0\0\0\0").is_err());
        assert!(parse::<Vec<CommandResult>>(b"{").is_err());
    }

    #[test]
    fn modes_are_named_and_compared_with_fractions() {
        let ntsc = FrameRate::from_millihertz(59_940);
        assert_eq!(
            mode_command("HEADLESS-1", Size::new(1280, 720), ntsc),
            "output HEADLESS-1 mode --custom 1280x720@59.94Hz"
        );
        let output = Output { name: "a".into(), size: Size::new(1280, 720), refresh: 59_939 };
        assert!(output.shows(Size::new(1280, 720), ntsc));
        assert!(!output.shows(Size::new(1280, 720), FrameRate::from_hz(60)));
    }

    #[tokio::test]
    async fn a_silent_sway_is_a_refusal_not_a_hang() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("sway");
        assert!(matches!(SwayIpc::new(&socket).outputs().await, Err(SwayError::Io(_))));
    }
}
