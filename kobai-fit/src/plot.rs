//! Drawing the curve of a fit: the losses and the norm of the gradient against the iteration, as SVG or PNG.
//!
//! The font comes with the crate, so a PNG has its text on a machine without fonts too. It holds Latin and Greek letters
//! and mathematical signs; an SVG shows whatever the reader's own fonts hold.

use std::path::Path;
use std::sync::Once;

use plotters::chart::DualCoordChartContext;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::register_font;
use unicode_width::UnicodeWidthStr;

use crate::error::DataError;
use crate::plot_axis::Axis;
use crate::replace::replace;
use crate::solver::Progress;

/// Width and height in pixels, unless a picture says otherwise.
pub(crate) const SIZE: (u32, u32) = (960, 600);
/// The colours of the curves, which stay apart for every kind of colour vision (Okabe and Ito 2008).
pub(crate) const LOSS: RGBColor = RGBColor(0, 114, 178);
pub(crate) const GRADIENT: RGBColor = RGBColor(213, 94, 0);
const HELD_OUT: RGBColor = RGBColor(0, 158, 115);
pub(crate) const TEXT: RGBColor = RGBColor(60, 60, 60);
pub(crate) const GRID: RGBColor = RGBColor(225, 225, 225);

/// Draws the loss on the rows that train and, where it was followed, on those held out (left axis), and the 2-norm of the
/// gradient (right axis) against the iteration. An axis is logarithmic where its values are positive and span more than a
/// factor of ten. A loss that soon is near its least, and has no other beside it, is drawn by how far it is above that,
/// logarithmic too. The axes say so. The end of the file's name, `.svg` or `.png`, decides the form; a file of this name is
/// replaced only when the new one is whole.
///
/// # Errors
/// `plot-extension`, `plot-nothing-to-draw`, `plot-not-drawn`, `file-not-written`.
pub fn draw_loss_curve(history: &[Progress], title: &str, path: impl AsRef<Path>) -> Result<(), DataError> {
    let path = path.as_ref();
    let nothing = || DataError::new("plot-nothing-to-draw").with("file", path.display());
    write(&Curves::new(history, title).ok_or_else(nothing)?, path)
}

/// What can be drawn on an area of any kind.
pub(crate) trait Picture {
    /// How many dots a pixel has: the drawing library places points on whole dots only.
    const SCALE: u32;

    /// Width and height in pixels.
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    /// Draws it.
    fn draw_on<Backend: DrawingBackend>(
        &self,
        area: &DrawingArea<Backend, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<Backend::ErrorType>>;
}

/// Draws a picture into a file, in the form that the end of the file's name says.
pub(crate) fn write<P: Picture>(picture: &P, path: &Path) -> Result<(), DataError> {
    let (wide, high) = picture.size();
    let size = (wide * P::SCALE, high * P::SCALE);
    let error = |code| DataError::new(code).with("file", path.display());
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    register();
    let drawn = |result: Result<(), String>| result.map_err(|reason| error("plot-not-drawn").with("reason", reason));
    match extension.as_deref() {
        Some("svg") => replace(path, |file| drawn(draw(picture, SVGBackend::new(file, size)))),
        Some("png") => replace(path, |file| drawn(draw(picture, BitMapBackend::new(file, size)))),
        _ => Err(error("plot-extension")),
    }
}

/// Draws a picture and writes its file; the error is what the drawing library says.
fn draw<Backend: DrawingBackend>(picture: &impl Picture, backend: Backend) -> Result<(), String> {
    let area = backend.into_drawing_area();
    picture.draw_on(&area).map_err(|error| error.to_string())?;
    area.present().map_err(|error| error.to_string())
}

/// Gives the drawing library the font that comes with the crate.
fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // A font that could not be read is reported by the first text drawn.
        let _ = register_font("sans-serif", FontStyle::Normal, include_bytes!("../font/dejavu-sans-subset.ttf"));
    });
}

/// How wide a text is in pixels: as the crate's font has it, and at least what wide letters take in any font.
pub(crate) fn text_width(text: &str, size: i32) -> i32 {
    register();
    let measured = ("sans-serif", size).into_font().box_size(text).map_or(0, |(wide, _)| wide as i32);
    measured.max(text.width() as i32 * size / 2)
}

/// Pairs of iteration and value.
type Points = Vec<(f64, f64)>;

/// Curves that share an axis, each with at least one point in positions of it.
struct Scaled {
    axis: Axis,
    description: String,
    curves: Vec<Points>,
}

impl Scaled {
    /// An axis for these curves; none without a point.
    fn new(curves: &[Points], description: &str) -> Option<Scaled> {
        let heights: Vec<f64> = curves.iter().flatten().map(|(_, value)| *value).collect();
        let axis = Axis::new(&heights)?;
        let place = |&(iteration, value): &(f64, f64)| Some((iteration, axis.position(value)?));
        let curves = curves.iter().map(|points| points.iter().filter_map(place).collect()).collect();
        let scale = if axis.is_logarithmic() { ", logarithmic" } else { "" };
        Some(Scaled { description: format!("{description}{scale}"), curves, axis })
    }

    /// The axis of the loss. Where more than half of a single curve would lie at the foot of the plot, it is drawn by how
    /// far it is above its least.
    fn of_losses(curves: &[Points]) -> Option<Scaled> {
        let scaled = Scaled::new(curves, "loss")?;
        let [points] = curves else { return Some(scaled) };
        let least = points.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let most = points.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        let at_foot = points.iter().filter(|(_, value)| value - least <= FOOT * (most - least)).count();
        if scaled.axis.is_logarithmic() || points.len() < FEW || 2 * at_foot <= points.len() {
            return Some(scaled);
        }
        // What is nearer than this to the least differs from it by rounding.
        let rounding = 4.0 * f64::EPSILON * least.abs();
        let above: Points = points.iter().map(|(iteration, value)| (*iteration, value - least)).collect();
        let above = above.into_iter().filter(|(_, above)| *above > rounding).collect();
        Scaled::new(&[above], &format!("loss above its least ({})", significant(least))).or(Some(scaled))
    }
}

/// The part of the height of a plot that is its foot.
const FOOT: f64 = 0.04;

/// Up to so many points a curve is seen as it is.
const FEW: usize = 10;

/// What can be drawn of pairs of iteration and value.
fn points(pairs: impl Iterator<Item = (usize, f64)>) -> Points {
    let shown = pairs.filter(|(_, value)| Axis::can_show(*value));
    shown.map(|(iteration, value)| (iteration as f64, value)).collect()
}

/// A number to eight digits.
fn significant(value: f64) -> String {
    let rounded: f64 = format!("{value:.7e}").parse().unwrap_or(value);
    format!("{rounded:?}").replace('-', "−")
}

/// What a plot shows.
struct Curves<'a> {
    title: &'a str,
    iterations: Axis,
    losses: Scaled,
    gradient: Option<Scaled>,
}

impl Curves<'_> {
    fn new<'a>(history: &[Progress], title: &'a str) -> Option<Curves<'a>> {
        let training = points(history.iter().map(|progress| (progress.iteration, progress.value)));
        let gradient = points(history.iter().map(|progress| (progress.iteration, progress.gradient_norm)));
        let held_out = points(history.iter().filter_map(|progress| Some((progress.iteration, progress.held_out?))));
        if training.is_empty() {
            return None;
        }
        let both = training.iter().chain(&held_out);
        let last = both.map(|(iteration, _)| *iteration).fold(0.0, f64::max);
        let followed = !held_out.is_empty();
        let curves: Vec<Points> = [Some(training), followed.then_some(held_out)].into_iter().flatten().collect();
        Some(Curves {
            title,
            iterations: Axis::counting(last as usize),
            losses: Scaled::of_losses(&curves)?,
            gradient: Scaled::new(&[gradient], "norm of the gradient"),
        })
    }
}

/// A chart with an axis on either side.
type Chart<'a, Backend> = DualCoordChartContext<'a, Backend, Plane, Plane>;
type Plane = Cartesian2d<Axis, Axis>;
type Drawn<Backend> = Result<(), DrawingAreaErrorKind<<Backend as DrawingBackend>::ErrorType>>;

/// A length in pixels as dots.
fn dots(pixels: u32) -> u32 {
    pixels * Curves::SCALE
}

fn letters(size: u32, colour: &RGBColor) -> TextStyle<'_> {
    ("sans-serif", dots(size)).into_font().color(colour)
}

impl Curves<'_> {
    fn is_alone(&self) -> bool {
        self.losses.curves.len() == 1
    }

    /// The axes below and on the left, one after the other, because their names differ in colour.
    fn draw_axes<Backend: DrawingBackend>(&self, chart: &mut Chart<Backend>) -> Drawn<Backend> {
        for is_across in [true, false] {
            let mut mesh = chart.configure_mesh();
            let colour = if is_across || !self.is_alone() { &TEXT } else { &LOSS };
            if is_across {
                mesh.disable_y_mesh().disable_y_axis().x_desc("iteration");
            } else {
                mesh.disable_x_mesh().disable_x_axis().y_desc(&self.losses.description);
            }
            mesh.light_line_style(TRANSPARENT)
                .bold_line_style(GRID.stroke_width(dots(1)))
                .set_all_tick_mark_size(dots(5))
                .axis_style(TEXT.stroke_width(dots(1)))
                .x_label_formatter(&|tick| self.iterations.label(*tick))
                .y_label_formatter(&|tick| self.losses.axis.label(*tick))
                .label_style(letters(16, &TEXT))
                .axis_desc_style(letters(18, colour))
                .draw()?;
        }
        Ok(())
    }

    fn draw_gradient<Backend: DrawingBackend>(&self, chart: &mut Chart<Backend>) -> Drawn<Backend> {
        let Some(gradient) = &self.gradient else { return Ok(()) };
        chart
            .configure_secondary_axes()
            .set_all_tick_mark_size(dots(5))
            .axis_style(TEXT.stroke_width(dots(1)))
            .y_desc(&gradient.description)
            .y_label_formatter(&|tick| gradient.axis.label(*tick))
            .label_style(letters(16, &TEXT))
            .axis_desc_style(letters(18, &GRADIENT))
            .draw()?;
        for points in &gradient.curves {
            let line = GRADIENT.mix(0.75).stroke_width(dots(3) / 2);
            chart.draw_secondary_series(LineSeries::new(points.iter().copied(), line))?;
        }
        Ok(())
    }

    fn draw_losses<'c, Backend: DrawingBackend + 'c>(&self, chart: &mut Chart<'c, Backend>) -> Drawn<Backend> {
        for (points, (name, colour)) in self.losses.curves.iter().zip([("training", LOSS), ("held out", HELD_OUT)]) {
            let style = colour.filled().stroke_width(dots(3));
            // A fit of no iteration is a single dot.
            let size = if points.len() <= SEPARATE { dots(4) } else { 0 };
            let line = LineSeries::new(points.iter().copied(), style).point_size(size);
            let legend = move |(x, y)| PathElement::new(vec![(x, y), (x + dots(24) as i32, y)], style);
            chart.draw_series(line)?.label(name).legend(legend);
        }
        if self.is_alone() {
            return Ok(());
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .legend_area_size(dots(32))
            .margin(dots(12))
            .background_style(WHITE.mix(0.85))
            .label_font(letters(18, &TEXT))
            .draw()
    }
}

impl Picture for Curves<'_> {
    const SCALE: u32 = 4;

    fn draw_on<Backend: DrawingBackend>(&self, area: &DrawingArea<Backend, Shift>) -> Drawn<Backend> {
        area.fill(&WHITE)?;
        // Without a second axis the right one is a copy of the left one, and nothing of it is drawn.
        let right = self.gradient.as_ref().unwrap_or(&self.losses);
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, letters(24, &TEXT))
            .margin(dots(16))
            .x_label_area_size(dots(52))
            .y_label_area_size(dots(88))
            .right_y_label_area_size(dots(88))
            .build_cartesian_2d(self.iterations.clone(), self.losses.axis.clone())?
            .set_secondary_coord(self.iterations.clone(), right.axis.clone());
        self.draw_axes(&mut chart)?;
        self.draw_gradient(&mut chart)?;
        // The loss is what the plot is about, so its curves lie on top.
        self.draw_losses(&mut chart)
    }
}

/// Up to so many points are seen apart on a curve.
const SEPARATE: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn description(curves: &[&dyn Fn(f64) -> f64]) -> String {
        let points = |curve: &&dyn Fn(f64) -> f64| (0..100).map(f64::from).map(|at| (at, curve(at))).collect();
        let curves: Vec<Points> = curves.iter().map(points).collect();
        Scaled::of_losses(&curves).expect("something to draw").description
    }

    #[test]
    fn an_axis_says_what_stands_on_it() {
        let soon_flat = |at: f64| 0.25 + (-at).exp();
        assert_eq!(description(&[&soon_flat]), "loss above its least (0.25), logarithmic");
        assert_eq!(description(&[&|at| soon_flat(at) - 3.5]), "loss above its least (−3.25), logarithmic");
        assert_eq!(description(&[&soon_flat, &|at| 0.5 + (-at).exp()]), "loss");
        assert_eq!(description(&[&|at| (-at).exp()]), "loss, logarithmic");
        assert_eq!(description(&[&|at| 2.0 - at / 100.0]), "loss");
        assert_eq!(description(&[&|_| 1.0]), "loss");
    }

    #[test]
    fn what_rounding_leaves_above_the_least_is_not_drawn() {
        let value = |at: f64| if at < 9.0 { 3.0 - 0.1 * at } else { 2.0 };
        let mut noisy: Points = (0..100).map(f64::from).map(|at| (at, value(at))).collect();
        noisy[50].1 = 2.0 + 4.0 * f64::EPSILON;
        let scaled = Scaled::of_losses(&[noisy]).expect("something to draw");
        assert_eq!(scaled.curves[0].len(), 9);
    }
}
