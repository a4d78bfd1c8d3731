//! A coded picture into its datagrams: copy, headers, 20 % parity, and seal.
//!
//! Throughput counts picture bytes: `cargo bench --bench packetize`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use earthshine::ids::Generation;
use earthshine::protocol::secret::SessionKey;
use earthshine::protocol::video::frame_header::FrameType;
use earthshine::protocol::video::packetizer::{Packetizer, PacketizerConfig, PictureToSend, SealConfig};
use earthshine::protocol::video::shard_batch::ShardBatch;
use earthshine::units::{FecPercent, FrameIndex, RtpTimestamp};

const FRAMES: [usize; 3] = [10_000, 100_000, 500_000];

fn main() {
    divan::main();
}

/// 1408-byte datagrams in both cases, as clients ask for them.
#[divan::bench(args = FRAMES)]
fn plain(bencher: Bencher<'_, '_>, bytes: usize) {
    packetize(bencher, bytes, 1392, None);
}

#[divan::bench(args = FRAMES)]
fn sealed(bencher: Bencher<'_, '_>, bytes: usize) {
    let seal = SealConfig { key: SessionKey::new([1; 16]), generation: Generation(0), first: 0 };
    packetize(bencher, bytes, 1360, Some(seal));
}

fn packetize(bencher: Bencher<'_, '_>, bytes: usize, packet_size: u16, seal: Option<SealConfig>) {
    let fec = FecPercent(20);
    let config = PacketizerConfig { packet_size, fec, minimum_parity: 2, seal, first_packet_index: 0 };
    let mut packetizer = Packetizer::new(&config).expect("a possible packet size");
    let data: Vec<u8> = (0..bytes).map(|i| ((i * 131) ^ (i >> 7)).to_le_bytes()[0]).collect();
    let mut batch = ShardBatch::new();
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let picture = PictureToSend {
            data: black_box(&data),
            kind: FrameType::Predicted,
            frame_index: FrameIndex(1),
            rtp_timestamp: RtpTimestamp(1),
            latency_100us: 1,
        };
        packetizer.packetize(&picture, black_box(&mut batch))
    });
}
