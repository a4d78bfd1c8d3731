//! The few contexts of CABAC that raw and skipped macroblocks need (ITU-T H.264, 9.3.1.1).

use crate::arithmetic::Context;

/// All that are needed, by `ctxIdx`.
pub(crate) struct Contexts {
    /// 3 to 5: `mb_type` of intra slices.
    intra: [Context; 3],
    /// 11 to 13: `mb_skip_flag`.
    skip: [Context; 3],
    /// 14: the prefix of `mb_type` in predicted slices.
    prefix: Context,
    /// 17: what follows it.
    suffix: Context,
}

impl Contexts {
    /// `cabac_init_idc` is nought.
    pub(crate) fn new(quantizer: i32) -> Self {
        let of = |values| Context::new(values, quantizer);
        Self {
            intra: [(20, -15), (2, 54), (3, 74)].map(of),
            skip: [(23, 33), (23, 2), (21, 0)].map(of),
            prefix: of((1, 9)),
            suffix: of((5, 57)),
        }
    }

    /// `coded` of the neighbours are not skipped.
    pub(crate) const fn skip(&mut self, coded: usize) -> &mut Context {
        &mut self.skip[coded]
    }

    /// `raw` of the neighbours are raw.
    pub(crate) const fn intra(&mut self, raw: usize) -> &mut Context {
        &mut self.intra[raw]
    }

    pub(crate) const fn intra_prefix(&mut self) -> &mut Context {
        &mut self.prefix
    }

    pub(crate) const fn intra_suffix(&mut self) -> &mut Context {
        &mut self.suffix
    }
}
