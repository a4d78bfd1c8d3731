// Samples of 8 bits: four in a word.

const LARGEST_CODE: f32 = 255.0;

// Words of four samples.
const WORDS: u32 = 1u;

fn put(word: u32, samples: vec4<f32>) {
    target_words[word] =
        code(samples.x) | (code(samples.y) << 8u) | (code(samples.z) << 16u) | (code(samples.w) << 24u);
}
