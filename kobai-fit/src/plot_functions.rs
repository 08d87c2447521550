//! Drawing functions of one variable, several in one picture, as SVG or PNG.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::error::DataError;
use crate::plot::{GRADIENT, GRID, LOSS, Picture, SIZE, TEXT, write};
use crate::plot_axis::Axis;

/// Colours that stay apart for every kind of colour vision (Okabe and Ito 2008).
const COLOURS: [RGBColor; 6] =
    [LOSS, GRADIENT, RGBColor(0, 158, 115), RGBColor(204, 121, 167), RGBColor(230, 159, 0), RGBColor(86, 180, 233)];

/// The points of a piece without those too near to the one before; its ends stay.
fn apart(piece: &[(f64, f64)], across: &Axis, upwards: &Axis) -> Vec<(f64, f64)> {
    let pixels = |axis: &Axis, size: u32| f64::from(size) / (axis.range().end - axis.range().start);
    let (wide, high) = (pixels(across, SIZE.0), pixels(upwards, SIZE.1));
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &(argument, value) in piece {
        let far = |&(before, other): &(f64, f64)| ((argument - before) * wide).hypot((value - other) * high) >= NEAREST;
        if kept.last().is_none_or(far) {
            kept.push((argument, value));
        }
    }
    kept.extend(piece.last().filter(|last| kept.last() != Some(last)));
    kept
}

/// A function by its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// What the legend calls it.
    pub label: String,
    /// Pairs of argument and value, by increasing argument. A value that is not finite leaves a gap.
    pub points: Vec<(f64, f64)>,
}

/// Draws graphs over one variable. The end of the file's name, `.svg` or `.png`, decides the form; a file of this name is
/// replaced only when the new one is whole.
///
/// # Errors
/// `plot-extension`, `plot-not-finite`, `plot-not-drawn`, `file-not-written`.
pub fn draw_graphs(graphs: &[Graph], variable: &str, path: impl AsRef<Path>) -> Result<(), DataError> {
    let path = path.as_ref();
    let nothing = || DataError::new("plot-not-finite").with("file", path.display());
    write(&Graphs::new(graphs, variable).ok_or_else(nothing)?, path)
}

/// Points nearer to each other than this many pixels are drawn as one: a line between
/// whole dots would look ragged.
const NEAREST: f64 = 4.0;

/// A graph as it is drawn: its pieces between gaps, their points apart from each other.
struct Curve<'a> {
    label: &'a str,
    pieces: Vec<Vec<(f64, f64)>>,
}

/// Graphs with the axes that hold them.
struct Graphs<'a> {
    curves: Vec<Curve<'a>>,
    variable: &'a str,
    across: Axis,
    upwards: Axis,
}

impl<'a> Graphs<'a> {
    fn new(graphs: &'a [Graph], variable: &'a str) -> Option<Graphs<'a>> {
        let shown = || graphs.iter().flat_map(|graph| &graph.points).filter(|(_, value)| Axis::can_show(*value));
        let arguments: Vec<f64> = shown().map(|(argument, _)| *argument).collect();
        let values: Vec<f64> = shown().map(|(_, value)| *value).collect();
        let (across, upwards) = (Axis::linear(&arguments)?, Axis::linear(&values)?);
        let curve = |graph: &'a Graph| {
            let pieces = graph.points.split(|(_, value)| !Axis::can_show(*value)).filter(|piece| !piece.is_empty());
            Curve { label: &graph.label, pieces: pieces.map(|piece| apart(piece, &across, &upwards)).collect() }
        };
        let curves = graphs.iter().map(curve).collect();
        Some(Graphs { curves, variable, across, upwards })
    }

    /// The lines where the variable or the value is 0, where the picture holds them.
    fn zero_lines(&self) -> Vec<[(f64, f64); 2]> {
        let (across, upwards) = (self.across.range(), self.upwards.range());
        let mut lines = Vec::new();
        if across.contains(&0.0) {
            lines.push([(0.0, upwards.start), (0.0, upwards.end)]);
        }
        if upwards.contains(&0.0) {
            lines.push([(across.start, 0.0), (across.end, 0.0)]);
        }
        lines
    }

    /// The place at the edge of the picture with the fewest points, for the legend.
    fn emptiest_place(&self) -> SeriesLabelPosition {
        use SeriesLabelPosition::*;
        const SIZE: (f64, f64) = (0.35, 0.3);
        // Each with the share of the free room that lies to its left and below it.
        let places = [
            (UpperLeft, 0.0, 1.0),
            (UpperRight, 1.0, 1.0),
            (LowerRight, 1.0, 0.0),
            (LowerLeft, 0.0, 0.0),
            (UpperMiddle, 0.5, 1.0),
            (MiddleRight, 1.0, 0.5),
            (MiddleLeft, 0.0, 0.5),
            (LowerMiddle, 0.5, 0.0),
        ];
        let points = || self.curves.iter().flat_map(|curve| curve.pieces.iter().flatten());
        let inside = |part: f64, axis: &Axis, room: f64, size: f64| {
            let range = axis.range();
            let start = range.start + room * (1.0 - size) * (range.end - range.start);
            (start..start + size * (range.end - range.start)).contains(&part)
        };
        let crowd = |left: f64, below: f64| {
            let hidden = |point: &&(f64, f64)| {
                inside(point.0, &self.across, left, SIZE.0) && inside(point.1, &self.upwards, below, SIZE.1)
            };
            points().filter(hidden).count()
        };
        let fewest = places.into_iter().min_by_key(|(_, left, below)| crowd(*left, *below));
        fewest.map_or(UpperLeft, |(place, ..)| place)
    }
}

impl Picture for Graphs<'_> {
    const SCALE: u32 = 4;

    fn draw_on<Backend: DrawingBackend>(
        &self,
        area: &DrawingArea<Backend, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<Backend::ErrorType>> {
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .margin(16 * Self::SCALE)
            .x_label_area_size(52 * Self::SCALE)
            .y_label_area_size(64 * Self::SCALE)
            .build_cartesian_2d(self.across.clone(), self.upwards.clone())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(Self::SCALE))
            .set_all_tick_mark_size(5 * Self::SCALE)
            .axis_style(TEXT.stroke_width(Self::SCALE))
            .x_desc(self.variable)
            .x_label_formatter(&|tick| self.across.label(*tick))
            .y_label_formatter(&|tick| self.upwards.label(*tick))
            .label_style(("sans-serif", 16 * Self::SCALE, &TEXT))
            .axis_desc_style(("sans-serif", 18 * Self::SCALE, &TEXT))
            .draw()?;
        for line in self.zero_lines() {
            chart.draw_series(LineSeries::new(line, TEXT.stroke_width(Self::SCALE)))?;
        }
        for (curve, colour) in self.curves.iter().zip(COLOURS.iter().cycle()) {
            let style = colour.stroke_width(3 * Self::SCALE);
            let mut label = Some(curve.label);
            for piece in &curve.pieces {
                let series = chart.draw_series(LineSeries::new(piece.iter().copied(), style))?;
                // A function in several pieces has one line in the legend.
                if let Some(label) = label.take() {
                    series
                        .label(label)
                        .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 24 * Self::SCALE as i32, y)], style));
                }
            }
        }
        chart
            .configure_series_labels()
            .position(self.emptiest_place())
            .legend_area_size(32 * Self::SCALE)
            .margin(12 * Self::SCALE)
            .background_style(WHITE.mix(0.85))
            .label_font(("sans-serif", 18 * Self::SCALE, &TEXT))
            .draw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(function: impl Fn(f64) -> f64) -> Graph {
        let points = (0..=256).map(|place| f64::from(place) / 128.0 - 1.0).map(|at| (at, function(at))).collect();
        Graph { label: "f".into(), points }
    }

    #[test]
    fn a_gap_splits_a_graph() {
        let graphs = [sampled(|x| if x.abs() < 0.25 { f64::NAN } else { x })];
        let drawn = Graphs::new(&graphs, "x").expect("something to draw");
        let ends: Vec<_> = drawn.curves[0].pieces.iter().map(|piece| (piece[0].0, piece[piece.len() - 1].0)).collect();
        assert_eq!(ends, [(-1.0, -0.25), (0.25, 1.0)]);
        assert!(Graphs::new(&[sampled(|_| f64::INFINITY)], "x").is_none());
    }

    #[test]
    fn the_legend_stands_where_no_curve_is() {
        let graphs = [sampled(|x| x), sampled(|x| -x)];
        let place = Graphs::new(&graphs, "x").expect("something to draw").emptiest_place();
        assert!(matches!(place, SeriesLabelPosition::UpperMiddle), "{place:?}");
        let place = Graphs::new(&graphs[..1], "x").expect("something to draw").emptiest_place();
        assert!(matches!(place, SeriesLabelPosition::UpperLeft), "{place:?}");
    }
}
