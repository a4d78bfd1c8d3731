// 4:2:0 with both differences in one plane: NV12, P010.
//
// A chroma sample lies on the even column and between its two rows, as decoders
// take it where a bitstream says nothing else (H.264 and HEVC: chroma location
// type 0). Across, it is the mean of its column and the two beside it, which count
// half.

struct Row {
    // The column left of the block, and its four.
    colors: array<vec3<f32>, 5>,
}

fn load(column: u32, row: u32) -> Row {
    var loaded: Row;
    for (var index = 0; index < 5; index++) {
        loaded.colors[index] = color_at(i32(column) + index - 1, i32(row));
    }
    return loaded;
}

fn put_luma(loaded: Row, block: u32, column: u32, row: u32) {
    var samples: vec4<f32>;
    for (var index = 0u; index < 4u; index++) {
        let color = select(vec3<f32>(0.0), loaded.colors[index + 1u], is_picture(column + index, row));
        samples[index] = sample_of(color, parameters.luma);
    }
    put(row * parameters.pitch + block * WORDS, samples);
}

fn chroma(upper: Row, lower: Row, left: u32, column: u32, row: u32) -> vec2<f32> {
    let sides = upper.colors[left] + lower.colors[left] + upper.colors[left + 2u] + lower.colors[left + 2u];
    let middle = upper.colors[left + 1u] + lower.colors[left + 1u];
    let color = select(vec3<f32>(0.0), (sides + 2.0 * middle) * 0.125, is_picture(column, row));
    return vec2<f32>(sample_of(color, parameters.blue_difference), sample_of(color, parameters.red_difference));
}

@compute @workgroup_size(8, 8)
fn convert(@builtin(global_invocation_id) id: vec3<u32>) {
    if !has_work(id) {
        return;
    }
    let column = id.x * 4u;
    let row = first_row(id);
    let upper = load(column, row);
    let lower = load(column, row + 1u);
    put_luma(upper, id.x, column, row);
    put_luma(lower, id.x, column, row + 1u);
    let even = chroma(upper, lower, 0u, column, row);
    let odd = chroma(upper, lower, 2u, column + 2u, row);
    put(parameters.plane + row / 2u * parameters.pitch + id.x * WORDS, vec4<f32>(even, odd));
}
