//! Parity of video blocks: every kernel of this CPU, and beside them
//! reed-solomon-erasure with SIMD, reed-solomon-simd, Intel ISA-L where it is
//! installed, and copying the data, which no code can beat.
//!
//! All but reed-solomon-simd multiply by a matrix; ISA-L gets the wire's, and before
//! anything is measured its parity is compared with ours, byte for byte.
//! reed-solomon-simd has a code of its own over 16-bit elements.
//!
//! Throughput counts data bytes: `cargo bench --bench fec`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use earthshine::protocol::fec::encode::Encoder;
use earthshine::protocol::fec::kernels::{Kernel, Stripe};
use earthshine::protocol::fec::matrix::Matrix;
use earthshine_ffi::isal;
use reed_solomon_erasure::galois_8::ReedSolomon;
use reed_solomon_simd::ReedSolomonEncoder;

/// Bytes of a shard: `packetSize` 1392 and its RTP part.
const SHARD: usize = 1408;
/// The third is a frame of 100 kB with 20 %.
const SHAPES: [(usize, usize); 5] = [(20, 4), (50, 10), (73, 15), (100, 20), (200, 40)];
const KERNELS: [&str; 6] = ["portable", "ssse3", "avx2", "gfni-avx2", "gfni-avx512", "neon"];

fn main() {
    println!("this CPU's best kernel: {:?}", Kernel::best());
    SHAPES.into_iter().for_each(compare);
    divan::main();
}

/// The same parity from all that make it.
fn compare((data, parity): (usize, usize)) {
    let mut wanted = noise((data + parity) * SHARD);
    Encoder::with_kernel(Kernel::PORTABLE).encode(&mut wanted, data, parity, STRIPE).expect("a possible block");
    for kernel in Kernel::available() {
        let mut block = noise((data + parity) * SHARD);
        Encoder::with_kernel(kernel).encode(&mut block, data, parity, STRIPE).expect("a possible block");
        assert!(block == wanted, "{kernel:?} makes other parity for {data}/{parity}");
    }
    match intel(data, parity) {
        Some(mut matrix) => {
            let mut block = noise((data + parity) * SHARD);
            matrix.encode(&mut block, SHARD);
            assert!(block == wanted, "ISA-L makes other parity for {data}/{parity}");
        }
        None => println!("ISA-L is not installed (libisal2): nothing to compare with"),
    }
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 131) ^ (i >> 7)).to_le_bytes()[0]).collect()
}

/// The wire's matrix for ISA-L.
fn intel(data: usize, parity: usize) -> Option<isal::Matrix> {
    let matrix = Matrix::video(data, parity).expect("a possible code");
    let by_row: Vec<u8> =
        (0..parity).flat_map(|row| (0..data).map(|column| matrix.at(row, column)).collect::<Vec<_>>()).collect();
    isal::Matrix::new(parity, &by_row).ok()
}

fn available() -> impl Iterator<Item = (&'static str, (usize, usize))> {
    let kernels = KERNELS.into_iter().filter(|name| Kernel::named(name).is_some());
    kernels.flat_map(|name| SHAPES.map(|shape| (name, shape)))
}

#[divan::bench(args = available().map(|(name, shape)| format!("{name} {}/{}", shape.0, shape.1)))]
fn encode(bencher: Bencher<'_, '_>, case: &str) {
    let (name, (data, parity)) =
        available().find(|(name, shape)| format!("{name} {}/{}", shape.0, shape.1) == case).expect("a listed case");
    let mut encoder = Encoder::with_kernel(Kernel::named(name).expect("a listed kernel"));
    let mut block = noise((data + parity) * SHARD);
    bencher
        .counter(BytesCount::new(data * SHARD))
        .bench_local(|| encoder.encode(black_box(&mut block), data, parity, STRIPE));
}

#[divan::bench(args = SHAPES)]
fn intel_isa_l(bencher: Bencher<'_, '_>, (data, parity): (usize, usize)) {
    let Some(mut matrix) = intel(data, parity) else { return };
    let mut block = noise((data + parity) * SHARD);
    bencher.counter(BytesCount::new(data * SHARD)).bench_local(|| matrix.encode(black_box(&mut block), SHARD));
}

#[divan::bench(args = SHAPES)]
fn reed_solomon_erasure(bencher: Bencher<'_, '_>, (data, parity): (usize, usize)) {
    let code = ReedSolomon::new(data, parity).expect("a possible code");
    let mut shards: Vec<Vec<u8>> = (0..data + parity).map(|_| noise(SHARD)).collect();
    bencher.counter(BytesCount::new(data * SHARD)).bench_local(|| code.encode(black_box(&mut shards)));
}

#[divan::bench(args = SHAPES)]
fn reed_solomon_simd(bencher: Bencher<'_, '_>, (data, parity): (usize, usize)) {
    let mut encoder = ReedSolomonEncoder::new(data, parity, SHARD).expect("a possible code");
    let block = noise(data * SHARD);
    bencher.counter(BytesCount::new(data * SHARD)).bench_local(|| {
        for shard in black_box(&block).chunks_exact(SHARD) {
            encoder.add_original_shard(shard).expect("a shard of the code");
        }
        black_box(encoder.encode().expect("all shards are there").recovery(0));
    });
}

#[divan::bench(args = SHAPES)]
fn copying_the_data(bencher: Bencher<'_, '_>, (data, _): (usize, usize)) {
    let block = noise(data * SHARD);
    let mut copy = block.clone();
    bencher.counter(BytesCount::new(data * SHARD)).bench_local(|| copy.copy_from_slice(black_box(&block)));
}

const STRIPE: Stripe = Stripe { stride: SHARD, offset: 0, len: SHARD };
