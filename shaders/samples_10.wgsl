// Samples of 10 bits, in the upper bits of 16: two in a word.

const LARGEST_CODE: f32 = 1023.0;

// Words of four samples.
const WORDS: u32 = 2u;

fn put(word: u32, samples: vec4<f32>) {
    target_words[word] = (code(samples.x) << 6u) | (code(samples.y) << 22u);
    target_words[word + 1u] = (code(samples.z) << 6u) | (code(samples.w) << 22u);
}
