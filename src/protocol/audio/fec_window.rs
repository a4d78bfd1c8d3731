//! Collects four audio payloads and makes their two parity payloads.
//!
//! A block begins at a sequence that is a multiple of 4, and all its payloads
//! have one length: the client switches FEC off for the rest of the session when
//! it sees otherwise (moonlight-common-c `RtpAudioQueue.c`).

use crate::protocol::fec::kernels::{Kernel, Stripe, multiply};
use crate::protocol::fec::matrix::{AUDIO_DATA, AUDIO_PARITY, Matrix};

/// The block that is being filled.
#[derive(Debug)]
pub struct FecWindow {
    matrix: Matrix,
    kernel: Kernel,
    /// The payloads of the block so far, without gaps.
    data: Vec<u8>,
    parity: Vec<u8>,
    payload_len: usize,
    filled: usize,
}

impl FecWindow {
    /// An empty block.
    #[must_use]
    pub fn new() -> Self {
        let (data, parity) = (Vec::new(), Vec::new());
        Self { matrix: Matrix::audio(), kernel: Kernel::best(), data, parity, payload_len: 0, filled: 0 }
    }

    /// The length a payload must have to join the block; `None` if it opens one.
    #[must_use]
    pub const fn required_len(&self) -> Option<usize> {
        if self.filled == 0 { None } else { Some(self.payload_len) }
    }

    /// Adds a payload as it is sent. With the fourth the block is complete: its
    /// parity payloads are returned, and the next payload opens a new block.
    ///
    /// # Panics
    /// If the payload has not the length that [`FecWindow::required_len`] tells.
    pub fn push(&mut self, payload: &[u8]) -> Option<[&[u8]; AUDIO_PARITY]> {
        if self.filled == 0 {
            self.data.clear();
            self.payload_len = payload.len();
        }
        assert_eq!(payload.len(), self.payload_len, "payloads of a block have one length");
        self.data.extend_from_slice(payload);
        self.filled = (self.filled + 1) % AUDIO_DATA;
        (self.filled == 0).then(|| self.make_parity())
    }

    fn make_parity(&mut self) -> [&[u8]; AUDIO_PARITY] {
        let len = self.payload_len;
        self.parity.resize(AUDIO_PARITY * len, 0);
        multiply(self.kernel, &self.matrix, &self.data, &mut self.parity, Stripe { stride: len, offset: 0, len });
        let (first, second) = self.parity.split_at(len);
        [first, second]
    }
}

impl Default for FecWindow {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parity_comes_with_every_fourth_payload() {
        let mut window = FecWindow::new();
        for _ in 0..3 {
            assert_eq!(window.required_len(), None);
            for filled in 1..4 {
                assert_eq!(window.push(&[filled; 5]), None);
                assert_eq!(window.required_len(), Some(5));
            }
            assert!(window.push(&[4; 5]).is_some());
        }
    }

    #[test]
    fn a_new_block_may_have_another_length() {
        let mut window = FecWindow::new();
        for len in [5, 40, 0, 7] {
            let payload = vec![3; len];
            let parity = (0..4).filter_map(|_| window.push(&payload).map(|[a, b]| (a.len(), b.len()))).last();
            assert_eq!(parity, Some((len, len)));
        }
    }
}
