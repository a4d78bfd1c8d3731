//! GF(2⁸) with polynomial x⁸+x⁴+x³+x²+1, as tables for the kernels.
//!
//! One table row per coefficient: 8 KiB of nibble products and 2 KiB of bit
//! matrices, shared by all matrices, so that a matrix itself is only one byte
//! per coefficient and the tables stay in the first-level cache.

/// x⁸+x⁴+x³+x²+1 without its x⁸: what is added when a product overflows.
const REDUCTION: u8 = 0x1D;

/// For every coefficient its products with 0..16, then with 0, 16, 32, .. 240.
#[repr(align(32))]
pub(super) struct NibbleProducts(pub(super) [[u8; 32]; 256]);

pub(super) static NIBBLE_PRODUCTS: NibbleProducts = NibbleProducts(nibble_products());

/// For every coefficient the 8×8 bit matrix that multiplies by it, laid out as
/// `gf2p8affineqb` wants it: byte `7 − b` is the row that makes bit `b` (Intel SDM
/// volume 2, GF2P8AFFINEQB).
#[cfg(target_arch = "x86_64")]
pub(super) static BIT_MATRICES: [u64; 256] = bit_matrices();

/// Product of two field elements, bit by bit.
#[must_use]
pub const fn multiply(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a = double(a);
        b >>= 1;
    }
    product
}

const fn double(a: u8) -> u8 {
    let reduced = if a & 0x80 != 0 { REDUCTION } else { 0 };
    (a << 1) ^ reduced
}

const fn nibble_products() -> [[u8; 32]; 256] {
    let mut tables = [[0; 32]; 256];
    let mut coefficient = 0;
    while coefficient < 256 {
        let mut nibble = 0;
        while nibble < 16 {
            tables[coefficient][nibble] = multiply(coefficient as u8, nibble as u8);
            tables[coefficient][16 + nibble] = multiply(coefficient as u8, (nibble as u8) << 4);
            nibble += 1;
        }
        coefficient += 1;
    }
    tables
}

#[cfg(target_arch = "x86_64")]
const fn bit_matrices() -> [u64; 256] {
    let mut matrices = [0; 256];
    let mut coefficient = 0;
    while coefficient < 256 {
        let mut input = 0;
        while input < 8 {
            let product = multiply(coefficient as u8, 1 << input);
            let mut output = 0;
            while output < 8 {
                if product >> output & 1 != 0 {
                    matrices[coefficient] |= 1 << (8 * (7 - output) + input);
                }
                output += 1;
            }
            input += 1;
        }
        coefficient += 1;
    }
    matrices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nibbles_of_every_byte_add_up_to_its_product() {
        for coefficient in 0..=255u8 {
            let table = &NIBBLE_PRODUCTS.0[usize::from(coefficient)];
            for byte in 0..=255u8 {
                let sum = table[usize::from(byte & 15)] ^ table[16 + usize::from(byte >> 4)];
                assert_eq!(sum, multiply(coefficient, byte));
            }
        }
    }

    #[test]
    fn two_is_a_generator() {
        let mut element = 1;
        let mut order = 0;
        loop {
            element = multiply(element, 2);
            order += 1;
            if element == 1 {
                break;
            }
        }
        assert_eq!(order, 255);
    }
}
