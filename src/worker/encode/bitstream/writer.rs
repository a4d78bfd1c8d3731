//! Bits, most significant first, as video standards count them.

/// Bits that become bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that count; the last byte is filled up with zeros.
    bits: usize,
}

impl BitWriter {
    /// The lower `width` bits of `value`, at most 32: u(n).
    ///
    /// # Panics
    /// If `value` has more bits.
    pub fn put(&mut self, value: u32, width: u32) -> &mut Self {
        assert!(width == 32 || value >> width == 0, "{value} does not fit in {width} bits");
        for bit in (0..width).rev() {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let set = value >> bit & 1 == 1;
            if let Some(last) = self.bytes.last_mut().filter(|_| set) {
                *last |= 0x80 >> (self.bits % 8);
            }
            self.bits += 1;
        }
        self
    }

    /// One bit: u(1).
    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.put(value.into(), 1)
    }

    /// Exponential Golomb code: ue(v).
    ///
    /// # Panics
    /// For the largest number of 32 bits, which has no code.
    pub fn ue(&mut self, value: u32) -> &mut Self {
        assert!(value < u32::MAX, "no code for {value}");
        let width = (value + 1).ilog2();
        self.put(0, width).put(value + 1, width + 1)
    }

    /// Exponential Golomb code of a number with a sign: se(v).
    pub fn se(&mut self, value: i32) -> &mut Self {
        let magnitude = value.unsigned_abs() * 2;
        self.ue(if value > 0 { magnitude - 1 } else { magnitude })
    }

    /// The one and the zeros that end a payload at a whole byte: `rbsp_trailing_bits()`.
    pub fn trailing(&mut self) -> &mut Self {
        self.flag(true);
        while !self.bits.is_multiple_of(8) {
            self.flag(false);
        }
        self
    }

    /// How many bits there are.
    #[must_use]
    pub const fn bits(&self) -> usize {
        self.bits
    }

    /// The bytes, of which the last may be filled up with zeros.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut BitWriter)) -> String {
        let mut writer = BitWriter::default();
        write(&mut writer);
        let digits: String = writer.bytes().iter().map(|byte| format!("{byte:08b}")).collect();
        digits[..writer.bits()].to_owned()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // ITU-T H.264, table 9-2 and 9-3.
        for (value, code) in [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (7, "0001000"), (8, "0001001")] {
            assert_eq!(text(|writer| _ = writer.ue(value)), code, "{value}");
        }
        for (value, code) in [(0, "1"), (1, "010"), (-1, "011"), (2, "00100"), (-2, "00101")] {
            assert_eq!(text(|writer| _ = writer.se(value)), code, "{value}");
        }
        assert_eq!(text(|writer| _ = writer.put(5, 4).flag(true)), "01011");
        assert_eq!(text(|writer| _ = writer.put(u32::MAX, 32)), "1".repeat(32));
    }

    #[test]
    fn a_payload_ends_at_a_whole_byte() {
        assert_eq!(text(|writer| _ = writer.put(0, 3).trailing()), "00010000");
        assert_eq!(text(|writer| _ = writer.put(0, 8).trailing()), "0000000010000000");
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn what_does_not_fit_is_a_mistake() {
        BitWriter::default().put(4, 2);
    }
}
