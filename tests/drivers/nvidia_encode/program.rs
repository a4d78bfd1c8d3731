//! An encoder in a program of its own, for what OpenH264 does not make.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::settings::Settings;

/// A running `encode.py`. It ends when its input does.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Program {
    pub(crate) fn start(settings: &Settings) -> io::Result<Self> {
        let (part, colour) = (&settings.part, settings.part.colour);
        let planes = match (part.chroma, part.depth) {
            (3, 8) => "yuv444p",
            (3, _) => "yuv444p10le",
            (_, 8) => "yuv420p",
            _ => "yuv420p10le",
        };
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/encode.py"))
            .args([settings.codec.name(), planes])
            .args([settings.width, settings.height].map(|side| side.to_string()))
            .args([colour.primaries, colour.transfer, colour.matrix].map(|point| point.to_string()))
            .arg(u8::from(colour.full_range).to_string())
            // It must not find us where it looks for a GPU.
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("no pipe");
        let (input, output) = (child.stdin.take().ok_or_else(missing)?, child.stdout.take().ok_or_else(missing)?);
        Ok(Self { child, input, output })
    }

    /// Encodes planes without gaps between rows.
    pub(crate) fn encode(&mut self, planes: &[u8], idr: bool, out: &mut Vec<u8>) -> io::Result<()> {
        self.input.write_all(&[u8::from(idr)])?;
        self.input.write_all(planes)?;
        self.input.flush()?;
        let mut length = [0; 4];
        self.output.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        let read = (&mut self.output).take(length.into()).read_to_end(out)?;
        if read == length as usize { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
