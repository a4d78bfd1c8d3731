//! Arithmetic of GF(2⁸) with polynomial x⁸+x⁴+x³+x²+1 (0x11D), generator 2.
//!
//! For matrices only: shards are multiplied by the kernels
//! ([`super::kernels`]).

/// Powers of the generator: `EXP[i] = 2^i`, twice over, so that the sum of two
/// logarithms needs no reduction.
pub const EXP: [u8; 510] = powers();

/// Logarithms to base 2. `LOG[0]` has no meaning and is 0.
pub const LOG: [u8; 256] = logarithms();

/// Multiplicative inverses; `INVERSE[0]` is 0, as in the client's table.
pub const INVERSE: [u8; 256] = inverses();

/// Product of two elements.
#[must_use]
pub const fn multiply(a: u8, b: u8) -> u8 {
    if a == 0 || b == 0 { 0 } else { EXP[LOG[a as usize] as usize + LOG[b as usize] as usize] }
}

const fn powers() -> [u8; 510] {
    let mut table = [0; 510];
    let mut element: u8 = 1;
    let mut exponent = 0;
    while exponent < 255 {
        table[exponent] = element;
        table[exponent + 255] = element;
        let overflow = element & 0x80 != 0;
        element = (element << 1) ^ if overflow { 0x1D } else { 0 };
        exponent += 1;
    }
    table
}

const fn logarithms() -> [u8; 256] {
    let mut table = [0; 256];
    let mut exponent: u8 = 0;
    while exponent < 255 {
        table[EXP[exponent as usize] as usize] = exponent;
        exponent += 1;
    }
    table
}

const fn inverses() -> [u8; 256] {
    let mut table = [0; 256];
    let mut element = 1;
    while element < 256 {
        table[element] = EXP[255 - LOG[element] as usize];
        element += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_agree_with_bitwise_multiplication() {
        for a in 0..=255 {
            for b in 0..=255 {
                assert_eq!(multiply(a, b), earthshine_ffi::simd::multiply_bytes(a, b), "{a} * {b}");
            }
        }
    }

    #[test]
    fn an_element_times_its_inverse_is_one() {
        for element in 1..=255u8 {
            assert_eq!(multiply(element, INVERSE[usize::from(element)]), 1);
        }
        assert_eq!(INVERSE[0], 0);
    }
}
