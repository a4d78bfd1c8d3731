//! How a program ended, as far as anybody can know.

use std::fmt;
use std::process::ExitStatus;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Our child: the kernel told us.
    Status(ExitStatus),
    /// An earlier host's child: the kernel tells only its parent.
    Unknown,
}

impl Exit {
    /// The exit code, if it exited by itself and was our child.
    #[must_use]
    pub fn code(self) -> Option<i32> {
        match self {
            Self::Status(status) => status.code(),
            Self::Unknown => None,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::Unknown => f.write_str("unknown status: it was an earlier host's child"),
        }
    }
}
