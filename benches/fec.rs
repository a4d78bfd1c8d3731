//! Parity of video blocks: every kernel of this CPU, and for comparison
//! reed-solomon-erasure (a table per coefficient, without SIMD).
//!
//! Throughput counts data bytes: `cargo bench --bench fec`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use earthshine::protocol::fec::encode::Encoder;
use earthshine::protocol::fec::kernels::{Kernel, Stripe};
use reed_solomon_erasure::galois_8::ReedSolomon;

/// Bytes of a shard: `packetSize` 1392 and its RTP part.
const SHARD: usize = 1408;
const SHAPES: [(usize, usize); 4] = [(20, 4), (50, 10), (100, 20), (200, 40)];
const KERNELS: [&str; 6] = ["portable", "ssse3", "avx2", "gfni-avx2", "gfni-avx512", "neon"];

fn main() {
    println!("this CPU's best kernel: {:?}", Kernel::best());
    divan::main();
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 131) ^ (i >> 7)).to_le_bytes()[0]).collect()
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
    bencher.counter(BytesCount::new(data * SHARD)).bench_local(|| {
        let stripe = Stripe { stride: SHARD, offset: 0, len: SHARD };
        encoder.encode(black_box(&mut block), data, parity, stripe)
    });
}

#[divan::bench(args = SHAPES)]
fn reed_solomon_erasure(bencher: Bencher<'_, '_>, (data, parity): (usize, usize)) {
    let code = ReedSolomon::new(data, parity).expect("a possible code");
    let mut shards: Vec<Vec<u8>> = (0..data + parity).map(|_| noise(SHARD)).collect();
    bencher.counter(BytesCount::new(data * SHARD)).bench_local(|| code.encode(black_box(&mut shards)));
}
