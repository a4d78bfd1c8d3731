// What every conversion is told, and how a colour becomes samples.

struct Parameters {
    // Red, green and blue to one sample in its code values, and its offset.
    luma: vec4<f32>,
    blue_difference: vec4<f32>,
    red_difference: vec4<f32>,
    // Pixels of the source.
    source: vec2<u32>,
    // Where its picture lies in the target, and at which size.
    origin: vec2<u32>,
    size: vec2<u32>,
    // Words from a row to the next, and of a plane of luma.
    pitch: u32,
    plane: u32,
    // Blocks of four columns in a row.
    blocks: u32,
    // Pairs of rows: the first, and how many.
    first_pair: u32,
    pairs: u32,
    // The source's first row is the picture's last.
    bottom_up: u32,
}

var<immediate> parameters: Parameters;
@group(0) @binding(0) var source: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> target_words: array<u32>;

fn sample_of(color: vec3<f32>, row: vec4<f32>) -> f32 {
    return dot(row.xyz, color) + row.w;
}

// To the nearest code value.
fn code(value: f32) -> u32 {
    return u32(clamp(floor(value + 0.5), 0.0, LARGEST_CODE));
}

// Row of the target that an invocation's pair begins with.
fn first_row(id: vec3<u32>) -> u32 {
    return (parameters.first_pair + id.y) * 2u;
}

fn has_work(id: vec3<u32>) -> bool {
    return id.x < parameters.blocks && id.y < parameters.pairs;
}

// The picture, and the column and row that make an odd side even.
fn is_picture(column: u32, row: u32) -> bool {
    let position = vec2<u32>(column, row);
    let end = parameters.origin + (parameters.size + vec2<u32>(1u)) / 2u * 2u;
    return all(position >= parameters.origin) && all(position < end);
}
