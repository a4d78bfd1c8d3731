//! Which end of the wire sent something: part of every GCM IV.

/// An end of a connection. This project is the host; its tests and its
/// benchmark play the client too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Moonlight.
    Client,
    /// This host.
    Host,
}

impl Side {
    /// Byte 10 of the IVs of RTSP and control.
    #[must_use]
    pub const fn iv_letter(self) -> u8 {
        match self {
            Self::Client => b'C',
            Self::Host => b'H',
        }
    }

    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Host,
            Self::Host => Self::Client,
        }
    }
}
