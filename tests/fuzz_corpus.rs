//! Replays the seeds of every fuzz target, and deterministic mutations of them,
//! through the functions that libFuzzer drives. What long fuzzing finds is kept
//! as a seed, so it stays found.

#[path = "fuzz/targets.rs"]
#[allow(unreachable_pub, missing_docs, reason = "shared with the fuzz binaries")]
mod targets;

use std::path::Path;

use targets::{TARGETS, Target};

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A linear congruential generator: the same mutations on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

/// Flips, cuts, doubles, overwrites and splices.
fn mutate(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 0x7f, 0x80, 0xff, b'0', b'\n'][random.below(6)],
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.byte()),
            4 => bytes.extend_from_slice(&other[random.below(other.len())..]),
            _ if !bytes.is_empty() => drop(bytes.drain(at..(at + random.below(8)).min(bytes.len()))),
            _ => bytes.push(random.byte()),
        }
    }
    bytes
}

fn replay(name: &str, target: Target) -> usize {
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| target(seed));
    let mut random = Random(0x5eed);
    for _ in 0..MUTATIONS {
        let (seed, other) = (random.below(seeds.len()), random.below(seeds.len()));
        target(&mutate(&seeds[seed], &seeds[other], &mut random));
    }
    seeds.len()
}

/// Mutations per target: a second or two each, for targets and seeds are many.
const MUTATIONS: usize = 5_000;

#[test]
fn no_seed_and_no_mutation_of_one_upsets_a_parser() {
    for (name, target) in TARGETS {
        let seeds = replay(name, *target);
        println!("{name}: {seeds} seeds, {MUTATIONS} mutations");
    }
}
