//! AES-128-GCM over datagrams of 1408 bytes, one at a time as they are sent: what we
//! do, the libraries it can be done with, and a copy of the bytes.
//!
//! 88 datagrams are a frame of 100 kB with 20 % parity: `cargo bench --bench seal`.

use aes_gcm::AeadInOut;
use aes_gcm::aead::KeyInit;
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use earthshine::ids::Generation;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::sealer::{SEAL_LEN, VideoSealer};
use earthshine::units::FrameIndex;

const DATAGRAM: usize = 1408;
const COUNTS: [usize; 3] = [1, 88, 430];

fn main() {
    divan::main();
}

#[divan::bench(args = COUNTS)]
fn ours(bencher: Bencher<'_, '_>, count: usize) {
    let mut sealer = VideoSealer::new(&SessionKey::new([1; 16]), Generation(0), 0);
    measure(bencher, count, |_, datagram| sealer.seal(FrameIndex(1), datagram).expect("room for a seal"));
}

#[divan::bench(args = COUNTS)]
fn aws_lc_rs(bencher: Bencher<'_, '_>, count: usize) {
    use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[1; 16]).expect("16 bytes"));
    measure(bencher, count, |iv, datagram| {
        let (prefix, packet) = datagram.split_at_mut(SEAL_LEN);
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), packet);
        prefix[..16].copy_from_slice(tag.expect("a short packet").as_ref());
    });
}

#[divan::bench(args = COUNTS)]
fn ring(bencher: Bencher<'_, '_>, count: usize) {
    use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[1; 16]).expect("16 bytes"));
    measure(bencher, count, |iv, datagram| {
        let (prefix, packet) = datagram.split_at_mut(SEAL_LEN);
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::empty(), packet);
        prefix[..16].copy_from_slice(tag.expect("a short packet").as_ref());
    });
}

#[divan::bench(args = COUNTS)]
fn rust_crypto(bencher: Bencher<'_, '_>, count: usize) {
    let key = aes_gcm::Aes128Gcm::new(&[1; 16].into());
    measure(bencher, count, |iv, datagram| {
        let (prefix, packet) = datagram.split_at_mut(SEAL_LEN);
        let tag = key.encrypt_inout_detached((&iv).into(), b"", packet.into()).expect("a short packet");
        prefix[..16].copy_from_slice(&tag);
    });
}

#[divan::bench(args = COUNTS)]
fn copying(bencher: Bencher<'_, '_>, count: usize) {
    let from = [3; DATAGRAM];
    measure(bencher, count, |_, datagram| datagram.copy_from_slice(black_box(&from)));
}

/// `seal` on every datagram of a frame, with an IV of its own.
fn measure(bencher: Bencher<'_, '_>, count: usize, mut seal: impl FnMut([u8; 12], &mut [u8])) {
    let mut bytes = vec![7; count * DATAGRAM];
    let mut next = 0u64;
    bencher.counter(BytesCount::new(count * DATAGRAM)).bench_local(|| {
        for datagram in black_box(&mut bytes).chunks_exact_mut(DATAGRAM) {
            let mut iv = [0; 12];
            iv[..8].copy_from_slice(&next.to_le_bytes());
            next += 1;
            seal(iv, datagram);
        }
    });
}
