//! Reed–Solomon codes against vectors that were compared byte for byte with the
//! client core's own library, and repair of every repairable loss.

use earthshine::protocol::fec::decode::{RepairError, repair};
use earthshine::protocol::fec::encode::Encoder;
use earthshine::protocol::fec::galois::{EXP, INVERSE};
use earthshine::protocol::fec::kernels::{Kernel, Stripe};
use earthshine::protocol::fec::matrix::Matrix;
use earthshine::protocol::video::fec_blocks::FecBlocks;
use earthshine::units::FecPercent;
use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/fec_video.json")).unwrap()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn bytes(list: &Value) -> Vec<u8> {
    list.as_array().unwrap().iter().map(|element| u8::try_from(number(element)).unwrap()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn rows(matrix: &Matrix) -> Vec<Vec<u8>> {
    let row = |row| (0..matrix.columns()).map(|column| matrix.at(row, column)).collect();
    (0..matrix.rows()).map(row).collect()
}

#[test]
fn field_tables_begin_as_the_vectors_do() {
    let vectors = vectors();
    assert_eq!(EXP[..16], bytes(&vectors["exp_first_16"]));
    assert_eq!(INVERSE[..16], bytes(&vectors["inverse_first_16"]));
}

#[test]
fn matrices_are_those_of_the_vectors() {
    for case in vectors()["matrices"].as_array().unwrap() {
        let rows = rows(&Matrix::video(number(&case["data"]), number(&case["parity"])).unwrap());
        if let Some(hash) = case["sha256_of_rows_concatenated"].as_str() {
            assert_eq!(sha256(&rows.concat()), hash);
        } else {
            let text: Vec<_> = rows.iter().map(hex::encode).collect();
            assert_eq!(serde_json::json!(text), case["rows_hex"]);
        }
    }
}

#[test]
fn every_kernel_encodes_as_the_vectors_do() {
    const LEN: usize = 16;
    let vectors = vectors();
    for kernel in Kernel::available() {
        let mut encoder = Encoder::with_kernel(kernel);
        for case in vectors["encodings"].as_array().unwrap() {
            let (data, parity) = (number(&case["data"]), number(&case["parity"]));
            let mut block = vec![0; (data + parity) * LEN];
            for (index, byte) in block.iter_mut().enumerate() {
                *byte = (37 * (index / LEN) + 11 * (index % LEN) + 5).to_le_bytes()[0];
            }
            encoder.encode(&mut block, data, parity, Stripe { stride: LEN, offset: 0, len: LEN }).unwrap();
            let made = &block[data * LEN..];
            assert_eq!(sha256(made), case["sha256_of_parity_concatenated"].as_str().unwrap(), "{kernel:?}");
            for (shard, wanted) in made.chunks(LEN).zip(case["parity_hex"].as_array().into_iter().flatten()) {
                assert_eq!(hex::encode(shard), wanted.as_str().unwrap(), "{kernel:?} {data}/{parity}");
            }
        }
    }
}

#[test]
fn percentages_are_those_of_the_vectors() {
    for case in vectors()["percentage_round_trip"].as_array().unwrap() {
        let split = FecBlocks::split(number(&case["data"]), FecPercent(20), 2).unwrap();
        let block = split.blocks().next().unwrap();
        assert_eq!(block.parity, number(&case["parity"]));
        assert_eq!(block.parity, number(&case["client_recomputes"]));
        assert_eq!(usize::from(block.percent.0), number(&case["fec_percentage_field"]));
    }
}

/// A block with its parity, and which of its shards arrive.
fn block_with_loss() -> impl Strategy<Value = (usize, usize, usize, Vec<u8>, Vec<bool>)> {
    let counts = (1..=60usize, 1..=20usize, 1..=200usize);
    counts.prop_flat_map(|(data, parity, len)| {
        let bytes = prop::collection::vec(any::<u8>(), data * len);
        let lost = prop::collection::btree_set(0..data + parity, 0..=parity);
        (bytes, lost).prop_map(move |(mut bytes, lost)| {
            bytes.resize((data + parity) * len, 0);
            let present = (0..data + parity).map(|shard| !lost.contains(&shard)).collect();
            (data, parity, len, bytes, present)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_repairable_loss_is_repaired((data, parity, len, bytes, present) in block_with_loss()) {
        let stripe = Stripe { stride: len, offset: 0, len };
        let mut whole = bytes;
        Encoder::new().encode(&mut whole, data, parity, stripe).unwrap();
        let mut received = whole.clone();
        for (shard, arrived) in received.chunks_mut(len).zip(&present) {
            if !arrived {
                shard.fill(0xDB);
            }
        }
        let code = Matrix::video(data, parity).unwrap();
        repair(&code, &mut received, &present, stripe).unwrap();
        prop_assert_eq!(&received[..data * len], &whole[..data * len]);
    }

    #[test]
    fn one_loss_too_many_is_refused((data, parity, len, bytes, _) in block_with_loss()) {
        prop_assume!(data > parity);
        let present: Vec<_> = (0..data + parity).map(|shard| shard > parity).collect();
        let code = Matrix::video(data, parity).unwrap();
        let refused = repair(&code, &mut bytes.clone(), &present, Stripe { stride: len, offset: 0, len });
        prop_assert_eq!(refused, Err(RepairError::TooManyLost { lost: parity + 1, parity }));
    }

    #[test]
    fn all_kernels_agree((data, parity, len, bytes, _) in block_with_loss(), offset in 0..40usize) {
        let stride = offset + len;
        let mut reference = bytes;
        reference.resize((data + parity) * stride, 0x77);
        let mut others = reference.clone();
        let stripe = Stripe { stride, offset, len };
        Encoder::with_kernel(Kernel::PORTABLE).encode(&mut reference, data, parity, stripe).unwrap();
        for kernel in Kernel::available() {
            Encoder::with_kernel(kernel).encode(&mut others, data, parity, stripe).unwrap();
            prop_assert_eq!(&others, &reference, "{:?}", kernel);
        }
    }
}
