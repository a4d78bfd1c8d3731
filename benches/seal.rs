//! AES-128-GCM over datagrams of 1408 bytes, one at a time as they are sent.
//!
//! `cargo bench --bench seal`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use earthshine::ids::Generation;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::sealer::VideoSealer;
use earthshine::units::FrameIndex;

const DATAGRAM: usize = 1408;

fn main() {
    divan::main();
}

#[divan::bench(args = [1, 86, 430])]
fn datagrams(bencher: Bencher<'_, '_>, count: usize) {
    let mut sealer = VideoSealer::new(&SessionKey::new([1; 16]), Generation(0), 0);
    let mut bytes = vec![7; count * DATAGRAM];
    bencher.counter(BytesCount::new(count * DATAGRAM)).bench_local(|| {
        for datagram in black_box(&mut bytes).chunks_exact_mut(DATAGRAM) {
            sealer.seal(FrameIndex(1), datagram).expect("room for a seal");
        }
    });
}
