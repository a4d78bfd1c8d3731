// 4:4:4 in three planes.

fn put_row(block: u32, column: u32, row: u32) {
    var luma: vec4<f32>;
    var blue_difference: vec4<f32>;
    var red_difference: vec4<f32>;
    for (var index = 0u; index < 4u; index++) {
        let found = color_at(i32(column + index), i32(row));
        let color = select(vec3<f32>(0.0), found, is_picture(column + index, row));
        luma[index] = sample_of(color, parameters.luma);
        blue_difference[index] = sample_of(color, parameters.blue_difference);
        red_difference[index] = sample_of(color, parameters.red_difference);
    }
    let word = row * parameters.pitch + block * WORDS;
    put(word, luma);
    put(word + parameters.plane, blue_difference);
    put(word + 2u * parameters.plane, red_difference);
}

@compute @workgroup_size(8, 8)
fn convert(@builtin(global_invocation_id) id: vec3<u32>) {
    if !has_work(id) {
        return;
    }
    put_row(id.x, id.x * 4u, first_row(id));
    put_row(id.x, id.x * 4u, first_row(id) + 1u);
}
