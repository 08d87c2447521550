//! Drawing a confusion matrix: how many rows of each class were predicted as each class, as SVG or PNG.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::error::DataError;
use crate::metrics::ClassSummary;
use crate::plot::{Picture, SIZE, TEXT, write};

/// Up to so many classes the counts are written into the cells.
const NUMBERED: usize = 25;

/// The colour of a cell that holds all rows of its class (Okabe and Ito's blue).
const FULL: (f64, f64, f64) = (0.0, 114.0, 178.0);

/// Draws a confusion matrix: true classes down, predicted classes across, each cell shaded by its share of the rows of its
/// true class. The end of the file's name, `.svg` or `.png`, decides the form; a file of this name is replaced only when
/// the new one is whole.
///
/// # Errors
/// `plot-extension`, `plot-nothing-to-draw`, `plot-not-drawn`, `file-not-written`.
pub fn draw_confusion(
    summary: &ClassSummary,
    classes: &[String],
    title: &str,
    path: impl AsRef<Path>,
) -> Result<(), DataError> {
    let path = path.as_ref();
    if summary.rows == 0 {
        return Err(DataError::new("plot-nothing-to-draw").with("file", path.display()));
    }
    write(&Matrix { summary, classes, title }, path)
}

/// What the picture shows.
struct Matrix<'a> {
    summary: &'a ClassSummary,
    classes: &'a [String],
    title: &'a str,
}

impl Matrix<'_> {
    /// The size of a cell in pixels, and where the first begins.
    fn cell(&self) -> (i32, (i32, i32)) {
        let room = SIZE.1 as i32 - 150;
        let cell = (room / self.classes.len().max(1) as i32).clamp(1, 140);
        let side = cell * self.classes.len() as i32;
        (cell, ((SIZE.0 as i32 - side) / 2 + 40, 70))
    }

    /// The share of a class's rows that were predicted as another, from 0 to 1.
    fn share(&self, row: usize, column: usize) -> f64 {
        let rows = &self.summary.confusion[row];
        rows[column] as f64 / rows.iter().sum::<u64>().max(1) as f64
    }

    /// From white to the full colour.
    fn shade(&self, share: f64) -> RGBColor {
        // The square root lets a few mistakes be seen.
        let part = share.sqrt();
        let mix = |full: f64| (255.0 + (full - 255.0) * part).round() as u8;
        RGBColor(mix(FULL.0), mix(FULL.1), mix(FULL.2))
    }
}

impl Picture for Matrix<'_> {
    const SCALE: u32 = 1;

    fn draw_on<Backend: DrawingBackend>(
        &self,
        area: &DrawingArea<Backend, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<Backend::ErrorType>> {
        area.fill(&WHITE)?;
        let (cell, (left, top)) = self.cell();
        let side = cell * self.classes.len() as i32;
        let style = |size: i32, colour: &RGBColor, horizontal: HPos| {
            ("sans-serif", size).into_font().color(colour).pos(Pos::new(horizontal, VPos::Center))
        };
        let write =
            |text: &str, place: (i32, i32), style: TextStyle| area.draw(&Text::new(text.to_owned(), place, style));
        let accuracy =
            format!("{}: {:.2} % of {} rows", self.title, 100.0 * self.summary.accuracy(), self.summary.rows);
        write(&accuracy, (SIZE.0 as i32 / 2, 32), style(24, &TEXT, HPos::Center))?;
        let size = (cell * 2 / 5).clamp(9, 20);
        // With many classes only some names fit.
        let step = (14 / cell + 1) as usize;
        for row in 0..self.classes.len() {
            for column in 0..self.classes.len() {
                let corner = (left + column as i32 * cell, top + row as i32 * cell);
                let share = self.share(row, column);
                let shade = self.shade(share);
                area.draw(&Rectangle::new([corner, (corner.0 + cell, corner.1 + cell)], shade.filled()))?;
                let count = self.summary.confusion[row][column];
                if self.classes.len() <= NUMBERED && count > 0 {
                    let colour = if share.sqrt() > 0.6 { WHITE } else { TEXT };
                    let middle = (corner.0 + cell / 2, corner.1 + cell / 2);
                    write(&count.to_string(), middle, style(size, &colour, HPos::Center))?;
                }
            }
            if row % step == 0 {
                let middle = row as i32 * cell + cell / 2;
                write(&self.classes[row], (left - 10, top + middle), style(size.min(16), &TEXT, HPos::Right))?;
                write(&self.classes[row], (left + middle, top + side + 14), style(size.min(16), &TEXT, HPos::Center))?;
            }
        }
        area.draw(&Rectangle::new([(left, top), (left + side, top + side)], TEXT.stroke_width(1)))?;
        write("predicted class", (left + side / 2, top + side + 44), style(18, &TEXT, HPos::Center))?;
        let turned = style(18, &TEXT, HPos::Center).transform(FontTransform::Rotate270);
        let widest = self.classes.iter().map(|name| name.chars().count()).max().unwrap_or(1) as i32;
        write("true class", (left - 36 - widest * size.min(16) * 3 / 5, top + side / 2), turned)
    }
}
