//! The encoder to AV1's symbol decoder (AV1, 8.2).
//!
//! The decoder compares a value of 15 bits with parts of a range. That value is what is
//! left of the stream, with all bits turned around; so each part lies as far from the
//! beginning of the range here as it lies from the end there.

use super::probabilities::Odds;

/// The state of the encoder.
pub(super) struct Arithmetic {
    bytes: Vec<u8>,
    /// Where the range begins: 15 bits, after as many as are pending.
    low: u64,
    range: u32,
    pending: u32,
}

impl Arithmetic {
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), low: 0, range: 1 << 15, pending: 0 }
    }

    /// A symbol, which is more likely from now on.
    pub(super) fn symbol<const EDGES: usize>(&mut self, odds: &mut Odds<EDGES>, symbol: usize) {
        self.put(odds.below(), symbol);
        odds.adapt(symbol);
    }

    /// One of two.
    pub(super) fn decide(&mut self, odds: &mut Odds<1>, bit: bool) {
        self.symbol(odds, usize::from(bit));
    }

    /// Bits that are as likely as not: L(n).
    pub(super) fn literal(&mut self, value: u32, width: u32) {
        for bit in (0..width).rev() {
            self.put(&[1 << 14], (value >> bit & 1) as usize);
        }
    }

    /// A symbol of one more than there are edges between them.
    pub(super) fn put(&mut self, edges: &[u16], symbol: usize) {
        let end = |symbol: usize| {
            let after = (1 << 15) - edges.get(symbol).map_or(1 << 15, |edge| u32::from(*edge));
            let least = u32::try_from(edges.len() - symbol).unwrap_or(0) * 4;
            (((self.range >> 8) * (after >> 6)) >> 1) + least
        };
        let begin = symbol.checked_sub(1).map_or(self.range, end);
        let end = end(symbol);
        self.low += u64::from(self.range - begin);
        self.range = begin - end;
        let shift = 15 - self.range.ilog2();
        self.range <<= shift;
        self.low <<= shift;
        self.pending += shift;
        // The range may have 16 bits: with less than so many left, more than one would carry over.
        while self.pending > 8 {
            self.pending -= 8;
            self.write(self.low >> (15 + self.pending));
            self.low &= (1 << (15 + self.pending)) - 1;
        }
    }

    /// Eight bits, and what they carry over to those before.
    fn write(&mut self, bits: u64) {
        let [byte, carry, ..] = bits.to_le_bytes();
        if carry > 0 {
            for before in self.bytes.iter_mut().rev() {
                *before = before.wrapping_add(1);
                if *before > 0 {
                    break;
                }
            }
        }
        self.bytes.push(byte);
    }

    /// A value within the range that ends with the one and the zeros that have to be there
    /// (8.2.4): the one is the first of the last 15 bits.
    pub(super) fn finish(mut self) -> Vec<u8> {
        const REST: u64 = (1 << 14) - 1;
        let value = ((self.low + REST) & !REST) | (REST + 1);
        let bits = self.pending + 1;
        let last = (value >> 14) << (16 - bits);
        self.write(last >> 8);
        if bits > 8 {
            self.write(last & 0xff);
        }
        self.bytes
    }
}
