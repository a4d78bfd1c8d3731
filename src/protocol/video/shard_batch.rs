//! The datagrams of one frame, one after the other in one buffer.
//!
//! Equal sizes and no gaps, in sending order: what UDP segmentation offload
//! wants to be handed. The buffer is reused from frame to frame and grows to the
//! largest frame seen.

/// Datagrams of equal size, ready to be sent.
#[derive(Debug, Default)]
pub struct ShardBatch {
    /// Longer than what is in use if an earlier frame was larger.
    bytes: Vec<u8>,
    used: usize,
    datagram_size: usize,
}

impl ShardBatch {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), used: 0, datagram_size: 0 }
    }

    /// Bytes of each datagram; 0 before the first frame.
    #[must_use]
    pub const fn datagram_size(&self) -> usize {
        self.datagram_size
    }

    /// Datagrams.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.used.checked_div(self.datagram_size) {
            Some(count) => count,
            None => 0,
        }
    }

    /// There are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// All datagrams, [`ShardBatch::datagram_size`] bytes each, in sending order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// The datagrams one by one.
    pub fn datagrams(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.bytes().chunks_exact(self.datagram_size.max(1))
    }

    /// Makes room for `count` datagrams. Their bytes are whatever an earlier frame
    /// left: the caller writes every one.
    pub(super) fn reset(&mut self, count: usize, datagram_size: usize) -> &mut [u8] {
        self.used = count * datagram_size;
        self.datagram_size = datagram_size;
        if self.bytes.len() < self.used {
            self.bytes.resize(self.used, 0);
        }
        &mut self.bytes[..self.used]
    }

    /// Forgets the datagrams and keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_frame_reuses_the_memory_of_a_larger_one() {
        let mut batch = ShardBatch::new();
        assert_eq!((batch.len(), batch.datagrams().len()), (0, 0));
        batch.reset(3, 4).copy_from_slice(b"aaaabbbbcccc");
        let memory = batch.bytes().as_ptr();
        assert_eq!(batch.datagrams().collect::<Vec<_>>(), [b"aaaa", b"bbbb", b"cccc"]);
        batch.reset(1, 5).copy_from_slice(b"ddddd");
        assert_eq!((batch.len(), batch.datagram_size(), batch.bytes()), (1, 5, &b"ddddd"[..]));
        assert_eq!(batch.bytes().as_ptr(), memory);
        batch.clear();
        assert!(batch.is_empty());
    }
}
