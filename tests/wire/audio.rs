//! Audio packets against vectors, and blocks repaired as the client does it.

use earthshine::protocol::audio::fec_window::FecWindow;
use earthshine::protocol::audio::packet_header::{DataHeader, ParityHeader};
use earthshine::protocol::audio::packetizer::{
    AudioDatagrams, AudioPacketizer, AudioPacketizerConfig, AudioSealConfig,
};
use earthshine::protocol::audio::sealer::AudioSealer;
use earthshine::protocol::bytes::Reader;
use earthshine::protocol::fec::decode::repair;
use earthshine::protocol::fec::kernels::Stripe;
use earthshine::protocol::fec::matrix::Matrix;
use earthshine::protocol::secret::SessionKey;
use proptest::prelude::*;
use serde_json::Value;

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn matrix_and_parity_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/fec_audio.json")).unwrap();
    let matrix = Matrix::audio();
    for (row, wanted) in vectors["matrix_hex"].as_array().unwrap().iter().enumerate() {
        let row: Vec<_> = (0..4).map(|column| matrix.at(row, column)).collect();
        assert_eq!(row, unhex(wanted));
    }
    let mut window = FecWindow::new();
    let payloads: Vec<_> = vectors["data_hex"].as_array().unwrap().iter().map(unhex).collect();
    for payload in &payloads[..3] {
        assert_eq!(window.push(payload), None);
    }
    let parity = window.push(&payloads[3]).unwrap().map(hex::encode);
    assert_eq!(serde_json::json!(parity), vectors["parity_hex"]);
}

#[test]
fn sealed_payloads_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/crypto.json")).unwrap();
    let key = SessionKey::new(unhex(&vectors["key_hex"]).try_into().unwrap());
    for case in vectors["audio_aes_cbc"].as_array().unwrap() {
        let rikeyid = u32::try_from(case["rikeyid_unsigned"].as_u64().unwrap()).unwrap();
        let sequence = u16::try_from(case["rtp_sequence"].as_u64().unwrap()).unwrap();
        let sealer = AudioSealer::new(key.clone(), rikeyid);
        let opus = unhex(&case["opus_hex"]);
        let mut sealed = vec![0; AudioSealer::sealed_len(opus.len())];
        sealer.seal(sequence, &opus, &mut sealed);
        assert_eq!(sealer.iv(sequence), *unhex(&case["iv_hex"]));
        assert_eq!(sealed, unhex(&case["cipher_hex"]));
        assert_eq!(sealer.open(sequence, &sealed).unwrap(), opus);
    }
}

#[test]
fn signed_rikeyids_of_the_query_give_the_ivs_of_the_vectors() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/crypto.json")).unwrap();
    for case in vectors["rikeyid_examples"].as_array().unwrap() {
        let rikeyid = i32::try_from(case["query_value"].as_i64().unwrap()).unwrap().cast_unsigned();
        let iv = AudioSealer::new(SessionKey::new([0; 16]), rikeyid).iv(0);
        assert_eq!(iv[..4], unhex(&case["iv_first4_hex"]));
    }
}

/// One block of datagrams, data first, from packets of `len` bytes.
fn block(packetizer: &mut AudioPacketizer, len: usize) -> Vec<Vec<u8>> {
    let mut out = AudioDatagrams::new();
    let mut datagrams = Vec::new();
    for byte in 1..=4u8 {
        let opus: Vec<u8> = (0..len).map(|at| byte.wrapping_mul(at.to_le_bytes()[0] | 1)).collect();
        packetizer.push(&opus, &mut out).unwrap();
        datagrams.extend(out.iter().map(<[u8]>::to_vec));
    }
    datagrams
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn two_lost_packets_of_a_block_come_back(
        len in 1..1300usize, sealed in any::<bool>(), first in 0..200_000u64, lost in prop::collection::btree_set(0..6usize, 0..=2),
    ) {
        let key = SessionKey::new([9; 16]);
        let seal = sealed.then(|| AudioSealConfig { key: key.clone(), rikeyid: 0xFFFF_FFF0 });
        let config = AudioPacketizerConfig { packet_duration_ms: 5, seal, first_sequence: first };
        let mut packetizer = AudioPacketizer::new(&config);
        let datagrams = block(&mut packetizer, len);
        prop_assert_eq!(datagrams.len(), 6);
        prop_assert!(datagrams.iter().all(|datagram| datagram.len() <= 1400));

        let base = ParityHeader::read(&mut Reader::new(&datagrams[4])).unwrap().unwrap();
        prop_assert_eq!(base.base_sequence % 4, 0);
        for (index, datagram) in (0u16..4).zip(&datagrams) {
            let header = DataHeader::read(&mut Reader::new(datagram)).unwrap().unwrap();
            prop_assert_eq!(header.sequence, base.base_sequence.wrapping_add(index));
            prop_assert_eq!(header.timestamp_ms, base.base_timestamp_ms + 5 * u32::from(index));
        }

        let payloads: Vec<&[u8]> =
            datagrams.iter().enumerate().map(|(i, datagram)| &datagram[if i < 4 { 12 } else { 24 }..]).collect();
        let whole = payloads.concat();
        let mut received = whole.clone();
        let size = payloads[0].len();
        for &index in &lost {
            received[index * size..][..size].fill(0);
        }
        let present: Vec<bool> = (0..6).map(|index| !lost.contains(&index)).collect();
        repair(&Matrix::audio(), &mut received, &present, Stripe { stride: size, offset: 0, len: size }).unwrap();
        prop_assert_eq!(&received[..4 * size], &whole[..4 * size]);
        if sealed {
            let sealer = AudioSealer::new(key, 0xFFFF_FFF0);
            prop_assert_eq!(sealer.open(base.base_sequence, &received[..size]).unwrap().len(), len);
        }
    }
}
