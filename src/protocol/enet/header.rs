//! What a datagram begins with: `ENetProtocolHeader` in `protocol.h`.

use crate::protocol::bytes::{Reader, Truncated};
use crate::protocol::enet::limits::NO_PEER;

/// Two bytes, or four with the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The receiver's number of the connection; [`NO_PEER`] before it has one.
    pub peer: u16,
    /// Tells connections in the same place apart; 0 to 3.
    pub session: u8,
    /// The lower 16 bits of the sender's milliseconds; there if something is to
    /// be acknowledged.
    pub sent_time: Option<u16>,
    /// What follows is compressed.
    pub compressed: bool,
}

impl Header {
    /// Reads it from the front.
    ///
    /// # Errors
    /// [`Truncated`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let word = reader.u16_be()?;
        let sent_time = if word & SENT_TIME == 0 { None } else { Some(reader.u16_be()?) };
        let session = u8::try_from((word >> SESSION_SHIFT) & 3).unwrap_or(0);
        Ok(Self { peer: word & NO_PEER, session, sent_time, compressed: word & COMPRESSED != 0 })
    }

    /// Writes it so that it ends at the end of `place`, which has room for four
    /// bytes; where it begins.
    pub fn write_before(&self, place: &mut [u8; HEADER_ROOM]) -> usize {
        let flags = if self.sent_time.is_some() { SENT_TIME } else { 0 } | if self.compressed { COMPRESSED } else { 0 };
        let word = (self.peer & NO_PEER) | (u16::from(self.session & 3) << SESSION_SHIFT) | flags;
        let [a, b] = word.to_be_bytes();
        match self.sent_time.map(u16::to_be_bytes) {
            Some([c, d]) => {
                *place = [a, b, c, d];
                0
            }
            None => {
                *place = [0, 0, a, b];
                2
            }
        }
    }
}

/// Bytes of the longest header.
pub const HEADER_ROOM: usize = 4;

const SENT_TIME: u16 = 1 << 15;
const COMPRESSED: u16 = 1 << 14;
const SESSION_SHIFT: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back() {
        for (header, bytes) in [
            (
                Header { peer: NO_PEER, session: 0, sent_time: Some(0x1234), compressed: false },
                &[0x8f, 0xff, 0x12, 0x34][..],
            ),
            (Header { peer: 5, session: 3, sent_time: None, compressed: false }, &[0x30, 0x05]),
            (Header { peer: 1, session: 1, sent_time: None, compressed: true }, &[0x50, 0x01]),
        ] {
            let mut place = [0xee; HEADER_ROOM];
            let start = header.write_before(&mut place);
            assert_eq!(place[start..], *bytes);
            assert_eq!(Header::read(&mut Reader::new(bytes)), Ok(header));
        }
        assert!(Header::read(&mut Reader::new(&[1])).is_err());
        assert!(Header::read(&mut Reader::new(&[0x80, 0, 0])).is_err());
    }
}
