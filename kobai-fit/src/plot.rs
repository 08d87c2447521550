//! Drawing the curve of a fit: the loss and the norm of its gradient against the iteration, as SVG or PNG.
//!
//! The font comes with the crate, so a PNG has its text on a machine without fonts too. It holds Latin and Greek letters
//! and mathematical signs; an SVG shows whatever the reader's own fonts hold.

use std::path::Path;
use std::sync::Once;

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
/// The colours of the two curves, which stay apart for every kind of colour vision (Okabe and Ito 2008).
pub(crate) const LOSS: RGBColor = RGBColor(0, 114, 178);
pub(crate) const GRADIENT: RGBColor = RGBColor(213, 94, 0);
pub(crate) const TEXT: RGBColor = RGBColor(60, 60, 60);
pub(crate) const GRID: RGBColor = RGBColor(225, 225, 225);

/// Draws the loss (left axis) and the 2-norm of its gradient (right axis) against the iteration. An axis is logarithmic
/// where its values are positive and span more than a factor of ten. The end of the file's name, `.svg` or `.png`,
/// decides the form; a file of this name is replaced only when the new one is whole.
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

/// One curve with its axis: pairs of iteration and value, at least one.
struct Curve {
    axis: Axis,
    values: Vec<(f64, f64)>,
}

impl Curve {
    /// The curve of one quantity, or none where no value of it can be drawn.
    fn new(history: &[Progress], quantity: fn(&Progress) -> f64) -> Option<Curve> {
        let values: Vec<(f64, f64)> = history
            .iter()
            .map(|progress| (progress.iteration as f64, quantity(progress)))
            .filter(|(_, value)| Axis::can_show(*value))
            .collect();
        let heights: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        Some(Curve { axis: Axis::new(&heights)?, values })
    }

    /// The points in positions of the axis.
    fn points(&self) -> Vec<(f64, f64)> {
        let place = |&(iteration, value): &(f64, f64)| Some((iteration, self.axis.position(value)?));
        self.values.iter().filter_map(place).collect()
    }
}

/// What a plot shows.
struct Curves<'a> {
    title: &'a str,
    iterations: Axis,
    loss: Curve,
    gradient: Option<Curve>,
}

impl Curves<'_> {
    fn new<'a>(history: &[Progress], title: &'a str) -> Option<Curves<'a>> {
        Some(Curves {
            title,
            iterations: Axis::counting(history.iter().map(|progress| progress.iteration).max()?),
            loss: Curve::new(history, |progress| progress.value)?,
            gradient: Curve::new(history, |progress| progress.gradient_norm),
        })
    }
}

impl Picture for Curves<'_> {
    const SCALE: u32 = 1;

    fn draw_on<Backend: DrawingBackend>(
        &self,
        area: &DrawingArea<Backend, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<Backend::ErrorType>> {
        area.fill(&WHITE)?;
        // Without a second curve the right axis is a copy of the left one, and nothing of it is drawn.
        let right = self.gradient.as_ref().unwrap_or(&self.loss);
        let mut chart = ChartBuilder::on(area)
            .caption(self.title, ("sans-serif", 24, &TEXT))
            .margin(16)
            .x_label_area_size(52)
            .y_label_area_size(84)
            .right_y_label_area_size(84)
            .build_cartesian_2d(self.iterations.clone(), self.loss.axis.clone())?
            .set_secondary_coord(self.iterations.clone(), right.axis.clone());
        // Twice, because the names of the two axes differ in colour.
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(TEXT)
            .x_desc("iteration")
            .x_label_formatter(&|tick| self.iterations.label(*tick))
            .label_style(("sans-serif", 16, &TEXT))
            .axis_desc_style(("sans-serif", 18, &TEXT))
            .draw()?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(TEXT)
            .y_desc("loss")
            .y_label_formatter(&|tick| self.loss.axis.label(*tick))
            .label_style(("sans-serif", 16, &TEXT))
            .axis_desc_style(("sans-serif", 18, &LOSS))
            .draw()?;
        if let Some(gradient) = &self.gradient {
            chart
                .configure_secondary_axes()
                .axis_style(TEXT)
                .y_desc("norm of the gradient")
                .y_label_formatter(&|tick| gradient.axis.label(*tick))
                .label_style(("sans-serif", 16, &TEXT))
                .axis_desc_style(("sans-serif", 18, &GRADIENT))
                .draw()?;
            chart.draw_secondary_series(LineSeries::new(gradient.points(), GRADIENT.stroke_width(2)))?;
        }
        // The loss is what the plot is about, so its curve lies on top. A fit of no iteration is a single dot.
        chart.draw_series(LineSeries::new(self.loss.points(), LOSS.stroke_width(3)).point_size(dot(&self.loss)))?;
        Ok(())
    }
}

/// The size of the dots on a curve: seen where there are few enough to tell apart.
fn dot(curve: &Curve) -> u32 {
    if curve.values.len() <= 40 { 3 } else { 0 }
}
