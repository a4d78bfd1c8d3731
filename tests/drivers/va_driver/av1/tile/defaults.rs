//! How likely symbols are at first: `Default_*_Cdf` of the AV1 Bitstream & Decoding Process
//! Specification (2019-01-08), 9.3, as far as anything is coded by them. The 32768 that
//! ends each, and the count behind it, are left out.

/// `Default_Partition_W8_Cdf`.
pub(super) const PARTITION_OF_8: [[u16; 3]; 4] =
    [[19_132, 25_510, 30_392], [13_928, 19_855, 28_540], [12_522, 23_679, 28_629], [9896, 18_783, 25_853]];

/// `Default_Partition_W16_Cdf`, and those of 32 and 64.
pub(super) const PARTITION: [[[u16; 9]; 4]; 3] = [
    [
        [15_597, 20_929, 24_571, 26_706, 27_664, 28_821, 29_601, 30_571, 31_902],
        [7925, 11_043, 16_785, 22_470, 23_971, 25_043, 26_651, 28_701, 29_834],
        [5414, 13_269, 15_111, 20_488, 22_360, 24_500, 25_537, 26_336, 32_117],
        [2662, 6362, 8614, 20_860, 23_053, 24_778, 26_436, 27_829, 31_171],
    ],
    [
        [18_462, 20_920, 23_124, 27_647, 28_227, 29_049, 29_519, 30_178, 31_544],
        [7689, 9060, 12_056, 24_992, 25_660, 26_182, 26_951, 28_041, 29_052],
        [6015, 9009, 10_062, 24_544, 25_409, 26_545, 27_071, 27_526, 32_047],
        [1394, 2208, 2796, 28_614, 29_061, 29_466, 29_840, 30_185, 31_899],
    ],
    [
        [20_137, 21_547, 23_078, 29_566, 29_837, 30_261, 30_524, 30_892, 31_724],
        [6732, 7490, 9497, 27_944, 28_250, 28_515, 28_969, 29_630, 30_104],
        [5945, 7663, 8348, 28_683, 29_117, 29_749, 30_064, 30_298, 32_238],
        [870, 1212, 1487, 31_198, 31_394, 31_574, 31_743, 31_881, 32_332],
    ],
];

/// `Default_Partition_W128_Cdf`.
pub(super) const PARTITION_OF_128: [[u16; 7]; 4] = [
    [27_899, 28_219, 28_529, 32_484, 32_539, 32_619, 32_639],
    [6607, 6990, 8268, 32_060, 32_219, 32_338, 32_371],
    [5429, 6676, 7122, 32_027, 32_227, 32_531, 32_582],
    [711, 966, 1172, 32_448, 32_538, 32_617, 32_664],
];

/// `Default_Skip_Cdf`.
pub(super) const SKIP: [[u16; 1]; 3] = [[31_671], [16_515], [4576]];

/// `Default_Intra_Frame_Y_Mode_Cdf` between neighbours with `DC_PRED`.
pub(super) const KEY_MODE: [u16; 12] =
    [15_588, 17_027, 19_338, 20_218, 20_682, 21_110, 21_825, 23_244, 24_189, 28_165, 29_093, 30_466];

/// `Default_Y_Mode_Cdf` of blocks of 4x4.
pub(super) const MODE: [u16; 12] =
    [22_801, 23_489, 24_293, 24_756, 25_601, 26_123, 26_606, 27_418, 27_945, 29_228, 29_685, 30_349];

/// `Default_Uv_Mode_Cfl_Allowed_Cdf` where luma has `DC_PRED`.
pub(super) const CHROMA_MODE: [u16; 13] =
    [10_407, 11_208, 12_900, 13_181, 13_823, 14_175, 14_899, 15_656, 15_986, 20_086, 20_995, 22_455, 24_212];

/// `Default_Filter_Intra_Cdf` of blocks of 4x4.
pub(super) const FILTER_INTRA: [u16; 1] = [4621];

/// `Default_Is_Inter_Cdf`.
pub(super) const IS_INTER: [[u16; 1]; 4] = [[806], [16_662], [20_186], [26_538]];

/// `Default_Single_Ref_Cdf` for `single_ref_p1`, `p3` and `p4`.
pub(super) const REFERENCE: [[[u16; 1]; 3]; 3] =
    [[[4897], [4236], [8650]], [[16_973], [19_647], [24_773]], [[29_744], [31_194], [31_895]]];

/// `Default_New_Mv_Cdf`.
pub(super) const NEW_MOTION: [[u16; 1]; 6] = [[24_035], [16_630], [15_339], [8386], [12_222], [4676]];

/// `Default_Zero_Mv_Cdf` without motion of the frames before.
pub(super) const ZERO_MOTION: [u16; 1] = [2175];

/// `Default_Intra_Tx_Type_Set1_Cdf` of 4x4 with `DC_PRED`.
pub(super) const TRANSFORM: [u16; 6] = [1535, 8035, 9461, 12_751, 23_467, 27_825];
