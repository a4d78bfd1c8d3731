//! The contexts of CABAC that the blocks need: tables 9-5 to 9-37 of ITU-T H.265, for I, P
//! and B slices (`cabac_init_flag` is nought).

use crate::arithmetic::Context;

/// All that are needed, by syntax element.
pub(super) struct Contexts {
    pub(super) offset_merge: Context,
    pub(super) offset_type: Context,
    pub(super) split_block: [Context; 3],
    pub(super) skip: [Context; 3],
    pub(super) merge: Context,
    pub(super) intra: Context,
    pub(super) partition: Context,
    pub(super) expected_mode: Context,
    pub(super) chroma_mode: Context,
    pub(super) split_transform: [Context; 3],
    pub(super) luma: [Context; 2],
    pub(super) chroma: [Context; 4],
    pub(super) quantizer: [Context; 2],
    pub(super) leave_transform: [Context; 2],
    pub(super) last_x: [Context; 18],
    pub(super) last_y: [Context; 18],
    pub(super) significant: [Context; 42],
    pub(super) greater_one: [Context; 24],
    pub(super) greater_two: [Context; 6],
}

impl Contexts {
    /// Of a slice: `kind` is 0 for I, 1 for P, 2 for B.
    pub(super) fn new(kind: usize, quantizer: i32) -> Self {
        let one = |values: [u8; 3]| context(values[kind], quantizer);
        Self {
            offset_merge: one([153; 3]),
            offset_type: one([200, 185, 160]),
            split_block: all([[139, 141, 157], [107, 139, 126], [107, 139, 126]][kind], quantizer),
            skip: all([[154; 3], [197, 185, 201], [197, 185, 201]][kind], quantizer),
            merge: one([154, 122, 137]),
            intra: one([154, 149, 134]),
            partition: one([184, 154, 154]),
            expected_mode: one([184, 154, 183]),
            chroma_mode: one([63, 152, 152]),
            split_transform: all([[153, 138, 138], [124, 138, 94], [224, 167, 122]][kind], quantizer),
            luma: all([[111, 141], [153, 111], [153, 111]][kind], quantizer),
            chroma: all([[94, 138, 182, 154], [149, 107, 167, 154], [149, 92, 167, 154]][kind], quantizer),
            quantizer: all([154; 2], quantizer),
            leave_transform: all([139; 2], quantizer),
            last_x: all(LAST[kind], quantizer),
            last_y: all(LAST[kind], quantizer),
            significant: all(SIGNIFICANT[kind], quantizer),
            greater_one: all(GREATER_ONE[kind], quantizer),
            greater_two: all(GREATER_TWO[kind], quantizer),
        }
    }
}

fn all<const N: usize>(values: [u8; N], quantizer: i32) -> [Context; N] {
    values.map(|value| context(value, quantizer))
}

/// 9.3.2.2.
fn context(value: u8, quantizer: i32) -> Context {
    let (slope, offset) = (i32::from(value >> 4), i32::from(value & 15));
    Context::new((slope * 5 - 45, (offset << 3) - 16), quantizer)
}

const LAST: [[u8; 18]; 3] = [
    [110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63],
    [125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108],
    [125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93],
];

const SIGNIFICANT: [[u8; 42]; 3] = [
    [
        111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125, 107,
        125, 141, 179, 153, 125, 140, 139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111,
    ],
    [
        155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 166,
        183, 140, 136, 153, 154, 170, 153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140,
    ],
    [
        170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154, 166,
        183, 140, 136, 153, 154, 170, 153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140,
    ],
];

const GREATER_ONE: [[u8; 24]; 3] = [
    [
        140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, 139, 107, 122, 152, 140, 179, 166, 182, 140, 227, 122,
        197,
    ],
    [
        154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 137, 169, 194, 166, 167, 154, 167,
        137, 182,
    ],
    [
        154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 122, 169, 208, 166, 167, 154, 152,
        167, 182,
    ],
];

const GREATER_TWO: [[u8; 6]; 3] =
    [[138, 153, 136, 167, 152, 152], [107, 167, 91, 122, 107, 167], [107, 167, 91, 107, 107, 167]];
