// The colour of the picture where the target wants it.
//
// Another size is reached by a triangle filter as wide as the coarser of the two
// grids, in both directions, cut off at the edges: the same that the conversion on
// the CPU uses. Positions are fractions of integers, so that they are as exact at
// the right edge of 8K as at the left.

// Which pixels of a row or column count for one of the target, and how much.
struct Filter {
    first: i32,
    last: i32,
    // The pixel that the centre lies in, and how far into it.
    pixel: i32,
    into: f32,
    // Of half the filter's width.
    inverse: f32,
}

fn filter_at(position: u32, length: u32, source_length: u32) -> Filter {
    let centre = (2u * position + 1u) * source_length;
    let pixel = i32(centre / (2u * length));
    let into = f32(centre % (2u * length)) / f32(2u * length);
    let half = max(1.0, f32(source_length) / f32(length));
    let reach = i32(ceil(half));
    let last = i32(source_length) - 1;
    return Filter(max(pixel - reach, 0), min(pixel + reach, last), pixel, into, 1.0 / half);
}

fn weight(filtered: Filter, pixel: i32) -> f32 {
    let distance = abs(f32(pixel - filtered.pixel) + 0.5 - filtered.into);
    return max(0.0, 1.0 - distance * filtered.inverse);
}

fn source_at(column: i32, row: i32) -> vec3<f32> {
    let down = select(row, i32(parameters.source.y) - 1 - row, parameters.bottom_up != 0u);
    return textureLoad(source, vec2<i32>(column, down), 0).rgb;
}

fn scaled_at(column: u32, row: u32) -> vec3<f32> {
    let across = filter_at(column, parameters.size.x, parameters.source.x);
    let down = filter_at(row, parameters.size.y, parameters.source.y);
    var sum = vec3<f32>(0.0);
    var total = 0.0;
    for (var y = down.first; y <= down.last; y++) {
        let row_weight = weight(down, y);
        for (var x = across.first; x <= across.last; x++) {
            let both = row_weight * weight(across, x);
            sum += both * source_at(x, y);
            total += both;
        }
    }
    return sum / total;
}

// Of a column and row of the target; beyond the picture's edge, of its edge.
fn color_at(column: i32, row: i32) -> vec3<f32> {
    let last = vec2<i32>(parameters.size) - vec2<i32>(1);
    let position = clamp(vec2<i32>(column, row) - vec2<i32>(parameters.origin), vec2<i32>(0), last);
    if all(parameters.size == parameters.source) {
        return source_at(position.x, position.y);
    }
    return scaled_at(u32(position.x), u32(position.y));
}
