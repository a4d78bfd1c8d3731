//! Plots as SVG, by the crate `plotters`.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::{Plot, PlotKind, Series, quantile};

type Points = Vec<(f64, f64)>;

/// An `<svg>` that scales with its container; none of a plot without values.
pub(super) fn svg(plot: &Plot) -> Option<String> {
    let lines: Vec<_> = plot.series.iter().filter(|series| !series.values.is_empty()).collect();
    let points: Vec<Points> = lines.iter().map(|series| points(plot.kind, series)).collect();
    if points.is_empty() {
        return None;
    }
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let drawn = draw(&area, plot, &lines, &points);
    drop(area);
    // Writing to a String cannot fail, and what is drawn has a range.
    drawn.ok().map(|()| svg)
}

fn points(kind: PlotKind, series: &Series) -> Points {
    match kind {
        PlotKind::Distribution => (0..=STEPS)
            .map(|step| f64::from(step) / f64::from(STEPS))
            .map(|part| (quantile(&series.values, part), part * 100.0))
            .collect(),
        PlotKind::Timeline => {
            // Of more values than there are pixels, the extremes are what must be seen.
            let group = series.values.len().div_ceil(SIZE.0 as usize).max(1);
            let most = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
            #[allow(clippy::cast_precision_loss, reason = "a number of a frame")]
            series.values.chunks(group).enumerate().map(|(at, values)| ((at * group) as f64, most(values))).collect()
        }
    }
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    plot: &Plot,
    lines: &[&Series],
    points: &[Points],
) -> Result<(), Box<dyn std::error::Error>> {
    let all = || points.iter().flatten();
    let right = all().map(|point| point.0).fold(f64::MIN_POSITIVE, f64::max);
    let target = plot.target.unwrap_or(0.0);
    let (right, top, labels) = match plot.kind {
        PlotKind::Distribution => (right.max(target), 100.0, (plot.unit.as_str(), "% of frames")),
        PlotKind::Timeline => (
            right,
            all().map(|point| point.1).fold(target.max(f64::MIN_POSITIVE), f64::max),
            ("frame", plot.unit.as_str()),
        ),
    };
    // The names of a timeline's lines have a place above them.
    let above = match plot.kind {
        PlotKind::Distribution => 1.05,
        PlotKind::Timeline => lines.iter().fold(1.15, |above, _| above + 0.08),
    };
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..right * 1.02, 0.0..top * above)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 228, 228))
        .x_label_formatter(&label)
        .y_label_formatter(&label)
        .x_desc(labels.0)
        .y_desc(labels.1)
        .label_style((FONT, 13))
        .draw()?;
    if let Some(target) = plot.target {
        let ends = match plot.kind {
            PlotKind::Distribution => [(target, 0.0), (target, top)],
            PlotKind::Timeline => [(0.0, target), (right, target)],
        };
        chart
            .draw_series(LineSeries::new(ends, RGBColor(150, 150, 150)))?
            .label("aim")
            .legend(|(x, y)| PathElement::new([(x, y), (x + LEGEND, y)], RGBColor(150, 150, 150)));
    }
    for ((series, points), color) in lines.iter().zip(points).zip(COLORS.iter().cycle()) {
        let style = color.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(&series.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + LEGEND, y)], style));
    }
    let corner = match plot.kind {
        PlotKind::Distribution => SeriesLabelPosition::LowerRight,
        PlotKind::Timeline => SeriesLabelPosition::UpperRight,
    };
    let mut names = chart.configure_series_labels();
    names.position(corner).background_style(WHITE.mix(0.85)).border_style(RGBColor(220, 220, 220));
    names.label_font((FONT, 13)).draw()?;
    area.present()?;
    Ok(())
}

/// Digits that tell a line of the grid from the next one.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "as plotters calls it")]
fn label(value: &f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Pixels, before it is scaled.
const SIZE: (u32, u32) = (640, 320);
const STEPS: u32 = 200;
/// Pixels of a line in the legend.
const LEGEND: i32 = 18;
const FONT: &str = "sans-serif";
/// Told apart by those who see no difference of red and green, too (Okabe and Ito, "Color
/// universal design", 2008).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(kind: PlotKind, values: Vec<f64>) -> Plot {
        let series = vec![Series { name: "a < b".to_owned(), values }];
        Plot { title: String::new(), kind, unit: "ms".to_owned(), target: Some(3.0), series }
    }

    #[test]
    fn each_kind_is_a_picture_with_its_names_escaped() {
        for kind in [PlotKind::Distribution, PlotKind::Timeline] {
            let svg = svg(&plot(kind, vec![1.0, 2.0, 4.0])).unwrap();
            assert!(svg.starts_with("<svg") && svg.contains("a &lt; b") && svg.contains("polyline"), "{svg}");
        }
    }

    #[test]
    fn labels_have_no_idle_digits() {
        assert_eq!([0.0, 20.0, 0.25, 1000.0, 0.1 + 0.2].map(|value| label(&value)), ["0", "20", "0.25", "1000", "0.3"]);
    }

    #[test]
    fn nothing_and_zeros_do_no_harm() {
        assert_eq!(svg(&plot(PlotKind::Timeline, Vec::new())), None);
        assert!(svg(&plot(PlotKind::Distribution, vec![0.0; 5])).is_some());
    }

    #[test]
    fn of_many_values_the_extremes_are_seen() {
        let mut values = vec![1.0; 100_000];
        values[77_777] = 9.0;
        let points = points(PlotKind::Timeline, &plot(PlotKind::Timeline, values).series[0]);
        assert!(points.len() <= SIZE.0 as usize && points.iter().any(|point| point.1 > 8.0));
    }
}
