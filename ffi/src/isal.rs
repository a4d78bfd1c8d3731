//! Intel ISA-L, to measure our kernels beside: no program of ours needs it.
//!
//! It multiplies by any matrix over the same field, so it makes the very bytes that
//! clients expect (`erasure_code.h`, BSD-3-Clause). Debian's package is `libisal2`.

use std::ffi::c_int;

use crate::dynamic_library::{LoadError, functions};

functions! {
    struct Functions of "libisal.so.2" {
        ec_init_tables: fn(columns: c_int, rows: c_int, matrix: *const u8, tables: *mut u8) -> ();
        ec_encode_data: fn(
            len: c_int,
            columns: c_int,
            rows: c_int,
            tables: *const u8,
            input: *const *const u8,
            output: *const *mut u8,
        ) -> ();
    }
}

/// A matrix in the form that the library multiplies by, with the instructions that it
/// chooses.
#[derive(Debug)]
pub struct Matrix {
    functions: Functions,
    rows: usize,
    columns: usize,
    tables: Vec<u8>,
    input: Vec<*const u8>,
    output: Vec<*mut u8>,
}

impl Matrix {
    /// From its coefficients row by row.
    ///
    /// # Errors
    /// [`LoadError`] where the library is not installed.
    ///
    /// # Panics
    /// Unless there are 1 to 255 rows of as many columns.
    pub fn new(rows: usize, by_row: &[u8]) -> Result<Self, LoadError> {
        assert!((1..=255).contains(&rows) && by_row.len().is_multiple_of(rows), "{rows} rows of {}", by_row.len());
        let columns = by_row.len() / rows;
        assert!((1..=255).contains(&columns), "{columns} columns");
        let functions = Functions::load()?;
        let mut tables = vec![0; TABLE * rows * columns];
        // SAFETY: it reads `rows * columns` coefficients and writes 32 bytes for each.
        unsafe { (functions.ec_init_tables)(int(columns), int(rows), by_row.as_ptr(), tables.as_mut_ptr()) };
        Ok(Self { functions, rows, columns, tables, input: Vec::new(), output: Vec::new() })
    }

    /// Overwrites the shards behind those of data, all of `len` bytes.
    ///
    /// # Panics
    /// If the block does not hold them all.
    pub fn encode(&mut self, block: &mut [u8], len: usize) {
        assert!(len > 0 && len <= 1 << 20 && block.len() == (self.columns + self.rows) * len, "{} bytes", block.len());
        let (input, output) = block.split_at_mut(self.columns * len);
        self.input.clear();
        self.input.extend(input.chunks_exact(len).map(<[u8]>::as_ptr));
        self.output.clear();
        self.output.extend(output.chunks_exact_mut(len).map(<[u8]>::as_mut_ptr));
        let (columns, rows) = (int(self.columns), int(self.rows));
        // SAFETY: it reads `len` bytes of each column, writes `len` of each row, and reads
        // the tables it has made for that many; all of them outlive the call.
        unsafe {
            (self.functions.ec_encode_data)(
                int(len),
                columns,
                rows,
                self.tables.as_ptr(),
                self.input.as_ptr(),
                self.output.as_ptr(),
            );
        }
    }
}

/// Of counts and lengths that were checked.
fn int(count: usize) -> c_int {
    c_int::try_from(count).unwrap_or_default()
}

/// Bytes of tables per coefficient (`erasure_code.h`, `ec_init_tables`).
const TABLE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Coefficients, Kernel, Stripe, multiply};

    #[test]
    fn its_parity_is_ours() {
        let by_row = [1, 2, 3, 7, 9, 200];
        let by_column = [1, 7, 2, 9, 3, 200];
        let mut block: Vec<u8> = (0..5 * 64u32).map(|at| at.wrapping_mul(77).to_le_bytes()[0]).collect();
        let Ok(mut matrix) = Matrix::new(2, &by_row) else {
            println!("SKIPPED: ISA-L is not installed");
            return;
        };
        matrix.encode(&mut block, 64);
        let (input, output) = block.split_at(3 * 64);
        let mut ours = vec![0; output.len()];
        let stripe = Stripe { stride: 64, offset: 0, len: 64 };
        multiply(Kernel::PORTABLE, Coefficients::new(2, &by_column).unwrap(), input, &mut ours, stripe).unwrap();
        assert_eq!(ours, output);
    }
}
