//! How a picture is cut into slices: whole rows of blocks, as many in each, but for the
//! last. Drivers differ in what else they can, and all can that.

use std::ops::Range;

use earthshine_ffi::vaapi::Capabilities;
use earthshine_ffi::vaapi::sys::*;

/// Rows of blocks of each slice, of as many slices as are wanted, or fewer.
pub(super) fn split(rows: u32, wanted: u32, capabilities: &Capabilities) -> Vec<Range<u32>> {
    let structure = capabilities.slice_structure;
    let count = if structure & (ANY_ROWS | VA_ENC_SLICE_STRUCTURE_POWER_OF_TWO_ROWS) == 0 {
        1
    } else {
        wanted.min(capabilities.slices).clamp(1, rows.max(1))
    };
    let each = rows.div_ceil(count).max(1);
    let each = if structure & ANY_ROWS == 0 && count > 1 { each.next_power_of_two() } else { each };
    (0..rows.div_ceil(each)).map(|slice| slice * each..rows.min((slice + 1) * each)).collect()
}

const ANY_ROWS: u32 = VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS
    | VA_ENC_SLICE_STRUCTURE_ARBITRARY_MACROBLOCKS
    | VA_ENC_SLICE_STRUCTURE_EQUAL_ROWS
    | VA_ENC_SLICE_STRUCTURE_EQUAL_MULTI_ROWS;

#[cfg(test)]
mod tests {
    use super::super::testing::capabilities;
    use super::*;

    #[test]
    fn slices_cover_the_picture_and_are_as_many_as_may_be() {
        let can = |slices, slice_structure| Capabilities { slices, slice_structure, ..capabilities() };
        let equal = can(8, VA_ENC_SLICE_STRUCTURE_EQUAL_ROWS);
        assert_eq!(split(12, 4, &equal), [0..3, 3..6, 6..9, 9..12]);
        assert_eq!(split(13, 4, &equal), [0..4, 4..8, 8..12, 12..13]);
        assert_eq!(split(3, 16, &can(32, VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS)), [0..1, 1..2, 2..3]);
        assert_eq!(split(23, 4, &can(2, VA_ENC_SLICE_STRUCTURE_ARBITRARY_ROWS)), [0..12, 12..23]);
        assert_eq!(split(68, 4, &can(32, VA_ENC_SLICE_STRUCTURE_POWER_OF_TWO_ROWS)), [0..32, 32..64, 64..68]);
        assert_eq!(split(68, 4, &can(32, 0)), vec![0..68]);
        assert_eq!(split(68, 0, &equal), vec![0..68]);
    }
}
