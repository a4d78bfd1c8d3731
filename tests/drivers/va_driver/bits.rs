//! Bits of a header, read and written.

use crate::driver::{Result, require};

/// Reads, most significant bit first.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Of `bits` bits.
    pub(crate) fn new(bytes: &'a [u8], bits: usize) -> Self {
        Self { bytes, at: 0, end: bits.min(bytes.len() * 8) }
    }

    pub(crate) fn bit(&mut self) -> Result<bool> {
        require(self.at < self.end, || format!("the header ends after {} bits", self.end))?;
        let bit = self.bytes[self.at / 8] >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    pub(crate) fn bits(&mut self, width: u32) -> Result<u32> {
        (0..width).try_fold(0, |value, _| Ok(value << 1 | u32::from(self.bit()?)))
    }

    /// Bits that were read.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// ue(v).
    pub(crate) fn ue(&mut self) -> Result<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            require(zeros < 32, || "a code of more than 32 bits".to_owned())?;
        }
        Ok((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// se(v).
    pub(crate) fn se(&mut self) -> Result<i32> {
        let code = self.ue()?;
        let magnitude = code.div_ceil(2).cast_signed();
        Ok(if code % 2 == 1 { magnitude } else { -magnitude })
    }

    /// All was read.
    pub(crate) fn finish(&self, what: &str) -> Result {
        require(self.at == self.end, || format!("{what} has {} bits, of which {} say something", self.end, self.at))
    }

    /// `rbsp_trailing_bits()`, and nothing after them.
    pub(crate) fn trailing(&mut self, what: &str) -> Result {
        require(self.bit()?, || format!("{what} does not end with a one"))?;
        while self.at < self.end && !self.at.is_multiple_of(8) {
            require(!self.bit()?, || format!("{what} does not end with zeros"))?;
        }
        self.finish(what)
    }
}

/// Writes, most significant bit first.
#[derive(Default, Clone)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    bits: usize,
}

impl Writer {
    /// Goes on after `bits` bits.
    pub(crate) fn after(bytes: &[u8], bits: usize) -> Self {
        Self { bytes: bytes[..bits.div_ceil(8)].to_vec(), bits }
    }

    pub(crate) const fn is_aligned(&self) -> bool {
        self.bits.is_multiple_of(8)
    }

    pub(crate) fn bit(&mut self, bit: bool) {
        if self.is_aligned() {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut().filter(|_| bit) {
            *last |= 0x80 >> (self.bits % 8);
        }
        self.bits += 1;
    }

    pub(crate) fn put(&mut self, value: u32, width: u32) {
        (0..width).rev().for_each(|bit| self.bit(value >> bit & 1 == 1));
    }

    pub(crate) fn ue(&mut self, value: u32) {
        let width = (value + 1).ilog2();
        self.put(0, width);
        self.put(value + 1, width + 1);
    }

    pub(crate) fn se(&mut self, value: i32) {
        let magnitude = value.unsigned_abs() * 2;
        self.ue(if value > 0 { magnitude - 1 } else { magnitude });
    }

    pub(crate) fn align(&mut self, bit: bool) {
        while !self.is_aligned() {
            self.bit(bit);
        }
    }

    /// Whole bytes at a whole byte.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        debug_assert!(self.is_aligned());
        self.bytes.extend_from_slice(bytes);
        self.bits += bytes.len() * 8;
    }

    /// `rbsp_trailing_bits()`.
    pub(crate) fn trailing(&mut self) {
        self.bit(true);
        self.align(false);
    }
}
