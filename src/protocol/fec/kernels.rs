//! Choice of the instruction set that multiplies shards.
//!
//! The kernels live in `ffi`, where unsafe code is allowed. All give the same
//! bytes, so the choice is made once per encoder and is nobody else's concern.

use earthshine_ffi::simd;

pub use earthshine_ffi::simd::{Kernel, Stripe};

use super::matrix::Matrix;

/// Sets `output` to `matrix` times `input`; see [`simd::multiply`].
///
/// # Panics
/// If a buffer is too short for the matrix: encoder and decoder check before.
pub(in crate::protocol) fn multiply(kernel: Kernel, matrix: &Matrix, input: &[u8], output: &mut [u8], stripe: Stripe) {
    matrix
        .coefficients()
        .and_then(|coefficients| simd::multiply(kernel, coefficients, input, output, stripe))
        .expect("the caller has checked the shape");
}
