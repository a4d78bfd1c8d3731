//! Matrix times shards over GF(2⁸): the inner loop of forward error correction.
//!
//! Every video frame is multiplied by a parity matrix before it is sent, so
//! this is the only arithmetic of ours that touches every byte of a stream.
//! Multiplying a vector of bytes by one constant has two fast forms: a byte
//! shuffle per nibble (SSSE3, AVX2, NEON; J. Plank, K. Greenan, E. Miller,
//! "Screaming Fast Galois Field Arithmetic Using Intel SIMD Instructions",
//! FAST 2013) and one affine transform of the bits (GFNI). Where a multiplication
//! is dear, `transform.rs` needs fewer of them for the matrix of video. Each other
//! file here is one instruction set; [`multiply`] is the safe way in, and [`Kernel`] is the proof
//! that this CPU has the instructions.

mod field;
mod kernel;
mod portable;
mod task;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod transform;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod gfni_avx2;
#[cfg(target_arch = "x86_64")]
mod gfni_avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod ssse3;

pub use field::multiply as multiply_bytes;
pub use kernel::Kernel;
pub use task::{Coefficients, ShapeError, Stripe};

/// Sets every output shard to the sum of all input shards, each times its
/// coefficient: `output[r] = Σ_c coefficients(r, c) · input[c]`.
///
/// Shards lie `stripe.stride` bytes apart in both buffers, and of each the bytes
/// `stripe.offset .. stripe.offset + stripe.len` take part. Other bytes of
/// `output` stay as they are.
///
/// # Errors
/// [`ShapeError`] if a buffer is too short for that; nothing was written.
pub fn multiply(
    kernel: Kernel,
    coefficients: Coefficients<'_>,
    input: &[u8],
    output: &mut [u8],
    stripe: Stripe,
) -> Result<(), ShapeError> {
    let task = task::Task::new(coefficients, input, output, stripe)?;
    kernel.run(&task);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without a pattern that a kernel could get right by accident.
    fn noise(len: usize, mut state: u32) -> Vec<u8> {
        let mut step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..len).map(|_| step()).collect()
    }

    fn by_definition(rows: usize, matrix: &[u8], input: &[u8], stripe: Stripe) -> Vec<Vec<u8>> {
        let columns = matrix.len() / rows;
        let byte = |row: usize, at: usize| {
            (0..columns).fold(0, |sum, column| {
                sum ^ multiply_bytes(matrix[column * rows + row], input[column * stripe.stride + stripe.offset + at])
            })
        };
        (0..rows).map(|row| (0..stripe.len).map(|at| byte(row, at)).collect()).collect()
    }

    #[test]
    fn every_kernel_gives_what_the_definition_gives() {
        let shapes = [(1, 1), (2, 4), (3, 7), (4, 20), (5, 5), (9, 2), (10, 50), (11, 3), (23, 9), (43, 31)];
        let lengths = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 80, 127, 128, 129, 160, 255, 333];
        for kernel in Kernel::available() {
            for (rows, columns) in shapes {
                for len in lengths {
                    let stripe = Stripe { stride: len + 5, offset: 3, len };
                    let matrix = noise(rows * columns, 7);
                    let input = noise(columns * stripe.stride, 9);
                    let mut output = vec![0xEE; rows * stripe.stride];
                    let coefficients = Coefficients::new(rows, &matrix).unwrap();
                    multiply(kernel, coefficients, &input, &mut output, stripe).unwrap();
                    for (row, wanted) in by_definition(rows, &matrix, &input, stripe).iter().enumerate() {
                        let shard = &output[row * stripe.stride..][..stripe.stride];
                        assert_eq!(&shard[3..3 + len], wanted, "{kernel:?} {rows}x{columns} len {len} row {row}");
                        assert_eq!(shard[..3], [0xEE; 3], "{kernel:?} wrote before its stripe");
                        assert_eq!(shard[3 + len..], [0xEE; 2], "{kernel:?} wrote behind its stripe");
                    }
                }
            }
        }
    }

    /// The matrix of video, column by column.
    fn cauchy(rows: usize, columns: usize) -> Vec<u8> {
        let inverse =
            |element: usize| (1..=255u8).find(|other| multiply_bytes(u8::try_from(element).unwrap(), *other) == 1);
        let inverses: Vec<u8> = (0..256).map(|element| inverse(element).unwrap_or(0)).collect();
        (rows..rows + columns)
            .flat_map(|column| (0..rows).map(|row| inverses[column ^ row]).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn every_kernel_multiplies_by_the_matrix_of_video_as_the_portable_one_does() {
        let stripe = Stripe { stride: 72, offset: 4, len: 65 };
        let shapes = (1..=70).flat_map(|rows| {
            (1..=255 - rows).step_by(if rows < 20 { 3 } else { 11 }).map(move |columns| (rows, columns))
        });
        for (rows, columns) in shapes.chain([(127, 128), (1, 254), (64, 191), (16, 16), (32, 200)]) {
            let matrix = cauchy(rows, columns);
            let input = noise(columns * stripe.stride, 9);
            let product = |kernel| {
                let mut output = vec![0xEE; rows * stripe.stride];
                multiply(kernel, Coefficients::cauchy(rows, &matrix).unwrap(), &input, &mut output, stripe).unwrap();
                output
            };
            let wanted = product(Kernel::PORTABLE);
            for kernel in Kernel::available() {
                assert!(product(kernel) == wanted, "{kernel:?} {rows}x{columns}");
            }
        }
    }

    #[test]
    fn short_buffers_are_refused() {
        let stripe = Stripe { stride: 32, offset: 8, len: 24 };
        let coefficients = Coefficients::new(2, &[1, 2, 3, 4]).unwrap();
        let run = |input: usize, output: usize| {
            multiply(Kernel::best(), coefficients, &vec![0; input], &mut vec![0; output], stripe)
        };
        assert_eq!(run(64, 64), Ok(()));
        assert_eq!(run(63, 64), Err(ShapeError::Input { need: 64, have: 63 }));
        assert_eq!(run(64, 63), Err(ShapeError::Output { need: 64, have: 63 }));
        let overlapping = Stripe { stride: 16, offset: 8, len: 24 };
        assert_eq!(
            multiply(Kernel::best(), coefficients, &[0; 64], &mut [0; 64], overlapping),
            Err(ShapeError::Stride { stride: 16, end: 32 })
        );
        assert_eq!(Coefficients::new(3, &[1, 2, 3, 4]).unwrap_err(), ShapeError::Matrix { rows: 3, len: 4 });
        assert_eq!(Coefficients::new(0, &[]).unwrap_err(), ShapeError::Matrix { rows: 0, len: 0 });
    }
}
