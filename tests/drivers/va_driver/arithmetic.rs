//! CABAC's encoder (ITU-T H.264, 9.3.4; ITU-T H.265 has the same).

use crate::bits::Writer;

/// The state of the encoder.
pub(crate) struct Arithmetic {
    low: u32,
    range: u32,
    outstanding: u32,
    is_first: bool,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Self { low: 0, range: 510, outstanding: 0, is_first: true }
    }
}

impl Arithmetic {
    pub(crate) fn decision(&mut self, bits: &mut Writer, context: &mut Context, bin: bool) {
        let lower = RANGES[context.state][(self.range >> 6 & 3) as usize];
        self.range -= lower;
        if bin == context.likely {
            context.state = (context.state + 1).min(62);
        } else {
            self.low += self.range;
            self.range = lower;
            context.likely ^= context.state == 0;
            context.state = AFTER_UNLIKELY[context.state];
        }
        self.renormalize(bits);
    }

    /// A bin that is as likely as not.
    pub(crate) fn bypass(&mut self, bits: &mut Writer, bin: bool) {
        self.low <<= 1;
        if bin {
            self.low += self.range;
        }
        if self.low >= 1024 {
            self.low -= 1024;
            self.put(bits, true);
        } else if self.low < 512 {
            self.put(bits, false);
        } else {
            self.low -= 512;
            self.outstanding += 1;
        }
    }

    /// What ends a slice, or its arithmetic for raw samples.
    pub(crate) fn terminate(&mut self, bits: &mut Writer, bin: bool) {
        self.range -= 2;
        if !bin {
            self.renormalize(bits);
            return;
        }
        self.low += self.range;
        self.range = 2;
        self.renormalize(bits);
        self.put(bits, self.low >> 9 & 1 == 1);
        bits.put(self.low >> 7 & 3 | 1, 2);
    }

    fn renormalize(&mut self, bits: &mut Writer) {
        while self.range < 256 {
            if self.low < 256 {
                self.put(bits, false);
            } else if self.low >= 512 {
                self.low -= 512;
                self.put(bits, true);
            } else {
                self.low -= 256;
                self.outstanding += 1;
            }
            self.range <<= 1;
            self.low <<= 1;
        }
    }

    fn put(&mut self, bits: &mut Writer, bit: bool) {
        if !std::mem::take(&mut self.is_first) {
            bits.bit(bit);
        }
        for _ in 0..std::mem::take(&mut self.outstanding) {
            bits.bit(!bit);
        }
    }
}

/// What is known of the next bin of a kind.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    state: usize,
    likely: bool,
}

impl Context {
    /// ITU-T H.264, 9.3.1.1.
    pub(crate) fn new((slope, offset): (i32, i32), quantizer: i32) -> Self {
        let state = ((slope * quantizer.clamp(0, 51)) >> 4) + offset;
        let state = state.clamp(1, 126);
        let likely = state >= 64;
        let state = if likely { state - 64 } else { 63 - state };
        Self { state: usize::try_from(state).unwrap_or(0), likely }
    }
}

/// Table 9-44.
const RANGES: [[u32; 4]; 64] = [
    [128, 176, 208, 240],
    [128, 167, 197, 227],
    [128, 158, 187, 216],
    [123, 150, 178, 205],
    [116, 142, 169, 195],
    [111, 135, 160, 185],
    [105, 128, 152, 175],
    [100, 122, 144, 166],
    [95, 116, 137, 158],
    [90, 110, 130, 150],
    [85, 104, 123, 142],
    [81, 99, 117, 135],
    [77, 94, 111, 128],
    [73, 89, 105, 122],
    [69, 85, 100, 116],
    [66, 80, 95, 110],
    [62, 76, 90, 104],
    [59, 72, 86, 99],
    [56, 69, 81, 94],
    [53, 65, 77, 89],
    [51, 62, 73, 85],
    [48, 59, 69, 80],
    [46, 56, 66, 76],
    [43, 53, 63, 72],
    [41, 50, 59, 69],
    [39, 48, 56, 65],
    [37, 45, 54, 62],
    [35, 43, 51, 59],
    [33, 41, 48, 56],
    [32, 39, 46, 53],
    [30, 37, 43, 50],
    [29, 35, 41, 48],
    [27, 33, 39, 45],
    [26, 31, 37, 43],
    [24, 30, 35, 41],
    [23, 28, 33, 39],
    [22, 27, 32, 37],
    [21, 26, 30, 35],
    [20, 24, 29, 33],
    [19, 23, 27, 31],
    [18, 22, 26, 30],
    [17, 21, 25, 28],
    [16, 20, 23, 27],
    [15, 19, 22, 25],
    [14, 18, 21, 24],
    [14, 17, 20, 23],
    [13, 16, 19, 22],
    [12, 15, 18, 21],
    [12, 14, 17, 20],
    [11, 14, 16, 19],
    [11, 13, 15, 18],
    [10, 12, 15, 17],
    [10, 12, 14, 16],
    [9, 11, 13, 15],
    [9, 11, 12, 14],
    [8, 10, 12, 14],
    [8, 9, 11, 13],
    [7, 9, 11, 12],
    [7, 9, 10, 12],
    [7, 8, 10, 11],
    [6, 8, 9, 11],
    [6, 7, 9, 10],
    [6, 7, 8, 9],
    [2, 2, 2, 2],
];

/// Table 9-45, `transIdxLPS`.
const AFTER_UNLIKELY: [usize; 64] = [
    0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
    24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37,
    38, 38, 63,
];
