//! How likely symbols are (AV1, 8.2.6 and 8.3), as far as anything is coded here.

use super::{coefficients, defaults};

/// Of a symbol with one more value than there are edges.
#[derive(Clone, Copy)]
pub(crate) struct Odds<const EDGES: usize> {
    /// How likely the values up to each are, of 32768.
    below: [u16; EDGES],
    /// Symbols that it was learnt from.
    seen: u8,
}

impl<const EDGES: usize> Odds<EDGES> {
    const fn new(below: [u16; EDGES]) -> Self {
        Self { below, seen: 0 }
    }

    pub(super) const fn below(&self) -> &[u16; EDGES] {
        &self.below
    }

    /// 8.2.6: less and less, as more was seen.
    pub(super) fn adapt(&mut self, symbol: usize) {
        let rate = 3 + u32::from(self.seen > 15) + u32::from(self.seen > 31) + (EDGES + 1).ilog2().min(2);
        for (value, below) in self.below.iter_mut().enumerate() {
            if value < symbol {
                *below -= *below >> rate;
            } else {
                *below += ((1 << 15) - *below) >> rate;
            }
        }
        self.seen = (self.seen + 1).min(32);
    }
}

/// Of everything in a tile.
#[derive(Clone)]
pub(crate) struct Probabilities {
    pub(super) partition_of_8: [Odds<3>; 4],
    /// Of 16, 32 and 64.
    pub(super) partition: [[Odds<9>; 4]; 3],
    pub(super) partition_of_128: [Odds<7>; 4],
    pub(super) skip: [Odds<1>; 3],
    pub(super) key_mode: Odds<12>,
    pub(super) mode: Odds<12>,
    pub(super) chroma_mode: Odds<13>,
    pub(super) filter_intra: Odds<1>,
    pub(super) is_inter: [Odds<1>; 4],
    /// Each decision for the first name.
    pub(super) reference: [[Odds<1>; 3]; 3],
    pub(super) new_motion: [Odds<1>; 6],
    pub(super) zero_motion: Odds<1>,
    pub(super) transform: Odds<6>,
    /// Of luma, and of chroma.
    pub(super) coefficients: [Coefficients; 2],
}

/// Of a residual.
#[derive(Clone)]
pub(super) struct Coefficients {
    pub(super) all_zero: [Odds<1>; 3],
    pub(super) last: Odds<4>,
    pub(super) last_extra: [Odds<1>; 3],
    pub(super) base_of_last: [Odds<2>; 4],
    pub(super) base: [Odds<3>; 26],
    pub(super) more: [Odds<3>; 21],
    pub(super) sign: [Odds<1>; 3],
}

impl Probabilities {
    /// Where nothing was learnt: `init_non_coeff_cdfs()` and `init_coeff_cdfs()`.
    pub(super) fn new(quantizer: u8) -> Self {
        let range = match quantizer {
            0..=20 => 0,
            21..=60 => 1,
            61..=120 => 2,
            _ => 3,
        };
        Self {
            partition_of_8: defaults::PARTITION_OF_8.map(Odds::new),
            partition: defaults::PARTITION.map(|size| size.map(Odds::new)),
            partition_of_128: defaults::PARTITION_OF_128.map(Odds::new),
            skip: defaults::SKIP.map(Odds::new),
            key_mode: Odds::new(defaults::KEY_MODE),
            mode: Odds::new(defaults::MODE),
            chroma_mode: Odds::new(defaults::CHROMA_MODE),
            filter_intra: Odds::new(defaults::FILTER_INTRA),
            is_inter: defaults::IS_INTER.map(Odds::new),
            reference: defaults::REFERENCE.map(|decisions| decisions.map(Odds::new)),
            new_motion: defaults::NEW_MOTION.map(Odds::new),
            zero_motion: Odds::new(defaults::ZERO_MOTION),
            transform: Odds::new(defaults::TRANSFORM),
            coefficients: [0, 1].map(|kind| Coefficients::new(range, kind)),
        }
    }

    /// Of a frame that goes on from what another one learnt: `load_cdfs()`.
    pub(super) fn counting_anew(mut self) -> Self {
        fn anew<'a, const EDGES: usize>(all: impl IntoIterator<Item = &'a mut Odds<EDGES>>) {
            all.into_iter().for_each(|odds| odds.seen = 0);
        }
        anew(&mut self.partition_of_8);
        anew(self.partition.as_flattened_mut());
        anew(&mut self.partition_of_128);
        anew(&mut self.skip);
        anew([&mut self.key_mode, &mut self.mode]);
        anew([&mut self.chroma_mode]);
        anew([&mut self.filter_intra, &mut self.zero_motion]);
        anew(&mut self.is_inter);
        anew(self.reference.as_flattened_mut());
        anew(&mut self.new_motion);
        anew([&mut self.transform]);
        for coefficients in &mut self.coefficients {
            anew(&mut coefficients.all_zero);
            anew([&mut coefficients.last]);
            anew(&mut coefficients.last_extra);
            anew(&mut coefficients.base_of_last);
            anew(&mut coefficients.base);
            anew(&mut coefficients.more);
            anew(&mut coefficients.sign);
        }
        self
    }
}

impl Coefficients {
    fn new(range: usize, kind: usize) -> Self {
        Self {
            all_zero: coefficients::ALL_ZERO[range][kind].map(Odds::new),
            last: Odds::new(coefficients::LAST[range][kind]),
            last_extra: coefficients::LAST_EXTRA[range][kind].map(Odds::new),
            base_of_last: coefficients::BASE_OF_LAST[range][kind].map(Odds::new),
            base: coefficients::BASE[range][kind].map(Odds::new),
            more: coefficients::MORE[range][kind].map(Odds::new),
            sign: coefficients::SIGN[range][kind].map(Odds::new),
        }
    }
}
