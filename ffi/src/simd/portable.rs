//! The kernel for CPUs without any of the others, and for very short shards.

use std::slice;

use super::field::NIBBLE_PRODUCTS;
use super::task::Task;

/// Output by output, one input after the other.
pub(super) fn run(task: &Task<'_>) {
    for row in 0..task.rows {
        // SAFETY: `Task` grants `len` writable bytes there, and its exclusive
        // borrow of the output means that nothing else refers to them.
        let output = unsafe { slice::from_raw_parts_mut(task.output.add(row * task.stride), task.len) };
        output.fill(0);
        for column in 0..task.columns {
            // SAFETY: `Task` grants `len` readable bytes there; input and output
            // are distinct borrows.
            let input = unsafe { slice::from_raw_parts(task.input.add(column * task.stride), task.len) };
            add_product(output, input, task.coefficients[column * task.rows + row]);
        }
    }
}

fn add_product(output: &mut [u8], input: &[u8], coefficient: u8) {
    let table = &NIBBLE_PRODUCTS.0[usize::from(coefficient)];
    for (sum, byte) in output.iter_mut().zip(input) {
        *sum ^= table[usize::from(byte & 15)] ^ table[16 + usize::from(byte >> 4)];
    }
}
