//! Drawing a confusion matrix: how many rows of each class were predicted as each class, as SVG or PNG.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::error::DataError;
use crate::metrics::{ClassSummary, class_name};
use crate::plot::{GRID, LOSS, Picture, TEXT, text_width, write};

/// The most classes that a picture holds.
pub const MOST_CLASSES: usize = 500;

/// Up to so many classes the counts are written into the cells.
const NUMBERED: usize = 25;

/// Names are cut to so many columns of a terminal.
const NAME_COLUMNS: usize = 24;

/// The colour of a cell that holds all rows of its class; a cell of a third of them has [`LOSS`], an empty one is white.
const FULL: RGBColor = RGBColor(3, 40, 84);
const THIRD: f64 = 0.33;

/// Numbers on a bright cell.
const DARK: RGBColor = RGBColor(25, 25, 25);

/// The shares that the colour bar names.
const SHARES: [(f64, &str); 6] =
    [(0.0, "0"), (0.01, "1 %"), (0.1, "10 %"), (0.25, "25 %"), (0.5, "50 %"), (1.0, "100 %")];

/// Draws a confusion matrix: true classes down, predicted classes across, each cell shaded by its share of the rows of its
/// true class, and for up to 25 classes with its number of rows. A class without a name is shown by its number. The end of
/// the file's name, `.svg` or `.png`, decides the form; a file of this name is replaced only when the new one is whole.
///
/// # Errors
/// `plot-extension`, `plot-no-rows`, `plot-too-many-classes`, `plot-not-drawn`, `file-not-written`.
pub fn draw_confusion(
    summary: &ClassSummary,
    classes: &[String],
    title: &str,
    path: impl AsRef<Path>,
) -> Result<(), DataError> {
    let path = path.as_ref();
    let count = summary.confusion.classes();
    let error = |code| DataError::new(code).with("file", path.display());
    if summary.confusion.pairs().next().is_none() {
        return Err(error("plot-no-rows"));
    }
    if count > MOST_CLASSES {
        return Err(error("plot-too-many-classes").with("classes", count).with("most", MOST_CLASSES));
    }
    write(&Matrix::new(summary, classes, title), path)
}

/// What the picture shows, and where. Lengths are in pixels.
struct Matrix<'a> {
    summary: &'a ClassSummary,
    title: &'a str,
    subtitle: String,
    names: Vec<String>,
    /// The rows of each class, none of them 0.
    rows: Vec<u64>,
    /// The side of a cell.
    cell: i32,
    /// The size of the letters of the names.
    letters: i32,
    /// The width of the widest name.
    widest: i32,
    /// Whether the names below the matrix stand upright, each in the width of its cell.
    upright: bool,
}

/// A part of a picture in which lengths are in pixels, whatever their number of dots.
struct Canvas<'a, Backend: DrawingBackend>(&'a DrawingArea<Backend, Shift>);

type Drawn<Backend> = Result<(), DrawingAreaErrorKind<<Backend as DrawingBackend>::ErrorType>>;

impl<Backend: DrawingBackend> Canvas<'_, Backend> {
    fn text(&self, text: &str, (left, top): (i32, i32), size: i32, colour: RGBColor, across: HPos) -> Drawn<Backend> {
        self.turned(text, (left, top), size, colour, across, FontTransform::None)
    }

    /// Text that goes upwards; `across` is along the text.
    fn upwards(&self, text: &str, place: (i32, i32), size: i32, across: HPos) -> Drawn<Backend> {
        self.turned(text, place, size, TEXT, across, FontTransform::Rotate270)
    }

    fn turned(
        &self,
        text: &str,
        (left, top): (i32, i32),
        size: i32,
        colour: RGBColor,
        across: HPos,
        turn: FontTransform,
    ) -> Drawn<Backend> {
        let scale = Matrix::SCALE as i32;
        let font = ("sans-serif", size * scale).into_font().transform(turn);
        let style = font.color(&colour).pos(Pos::new(across, VPos::Center));
        self.0.draw(&Text::new(text.to_owned(), (left * scale, top * scale), style))
    }

    fn rectangle(&self, (left, top): (i32, i32), (wide, high): (i32, i32), colour: RGBColor) -> Drawn<Backend> {
        let scale = Matrix::SCALE as i32;
        let far = ((left + wide) * scale, (top + high) * scale);
        self.0.draw(&Rectangle::new([(left * scale, top * scale), far], colour.filled()))
    }
}

impl<'a> Matrix<'a> {
    const MARGIN: i32 = 24;
    /// From the top to the matrix.
    const TOP: i32 = 96;
    /// From the matrix to the end on the right, for the colour bar.
    const RIGHT: i32 = 150;

    fn new(summary: &'a ClassSummary, classes: &[String], title: &'a str) -> Matrix<'a> {
        let count = summary.confusion.classes();
        let cell = (680 / count.max(1) as i32).clamp(2, 132);
        let letters = (cell * 3 / 4).clamp(11, 16);
        let names: Vec<String> = (0..count).map(|class| shortened(&class_name(classes, class))).collect();
        let widest = names.iter().map(|name| text_width(name, letters)).max().unwrap_or(0);
        let percent = 100.0 * summary.accuracy();
        Matrix {
            title,
            subtitle: format!("{percent:.2} % of {} rows right", summary.rows),
            names,
            rows: summary.scores.iter().map(|scores| scores.rows.max(1)).collect(),
            cell,
            letters,
            widest,
            upright: widest <= cell - 4,
            summary,
        }
    }

    /// The corner of the matrix at its first class, and its side.
    fn place(&self) -> ((i32, i32), i32) {
        ((Self::MARGIN + 34 + self.widest, Self::TOP), self.cell * self.names.len() as i32)
    }

    /// The room for the names below the matrix.
    fn below(&self) -> i32 {
        if self.upright { 28 } else { self.widest + 18 }
    }

    fn cells<Backend: DrawingBackend>(&self, canvas: &Canvas<Backend>) -> Drawn<Backend> {
        let ((left, top), side) = self.place();
        // Lines between the cells, where these are large enough.
        let gap = i32::from(self.cell >= 8);
        canvas.rectangle((left - 1, top - 1), (side + 2 - gap, side + 2 - gap), GRID)?;
        if gap == 0 {
            canvas.rectangle((left, top), (side, side), WHITE)?;
        }
        for row in 0..self.names.len() {
            for column in 0..self.names.len() {
                let count = self.summary.confusion.count(row, column);
                let corner = (left + column as i32 * self.cell, top + row as i32 * self.cell);
                let share = count as f64 / self.rows[row] as f64;
                if count > 0 || gap > 0 {
                    canvas.rectangle(corner, (self.cell - gap, self.cell - gap), shade(share))?;
                }
                if self.names.len() <= NUMBERED {
                    self.number(canvas, count, share, (corner.0 + self.cell / 2, corner.1 + self.cell / 2))?;
                }
            }
        }
        Ok(())
    }

    /// The number of rows in a cell, and in a large one their share.
    fn number<Backend: DrawingBackend>(
        &self,
        canvas: &Canvas<Backend>,
        count: u64,
        share: f64,
        (across, down): (i32, i32),
    ) -> Drawn<Backend> {
        let text = count.to_string();
        let size = (self.cell * 2 / 5).min(self.cell * 3 / 2 / text.len() as i32).clamp(8, 20);
        let colour = match count {
            0 => RGBColor(170, 170, 170),
            _ if luminance(shade(share)) > 0.46 => DARK,
            _ => WHITE,
        };
        if self.cell < 90 || count == 0 {
            return canvas.text(&text, (across, down), size, colour, HPos::Center);
        }
        canvas.text(&text, (across, down - 10), size + 4, colour, HPos::Center)?;
        canvas.text(&format!("{:.1} %", 100.0 * share), (across, down + 16), 14, colour, HPos::Center)
    }

    fn axes<Backend: DrawingBackend>(&self, canvas: &Canvas<Backend>) -> Drawn<Backend> {
        let ((left, top), side) = self.place();
        // Where cells are smaller than letters, only some names fit.
        let needed = (self.letters + 1) / self.cell + 1;
        let step = [1, 2, 5, 10, 20].into_iter().find(|&step| step >= needed).unwrap_or(50) as usize;
        for (class, name) in self.names.iter().enumerate().step_by(step) {
            let middle = class as i32 * self.cell + self.cell / 2;
            canvas.text(name, (left - 10, top + middle), self.letters, TEXT, HPos::Right)?;
            if self.upright {
                canvas.text(name, (left + middle, top + side + 16), self.letters, TEXT, HPos::Center)?;
            } else {
                canvas.upwards(name, (left + middle, top + side + 8), self.letters, HPos::Right)?;
            }
        }
        canvas.upwards("true class", (Self::MARGIN + 6, top + side / 2), 17, HPos::Center)?;
        let down = top + side + self.below() + 14;
        canvas.text("predicted class", (left + side / 2, down), 17, TEXT, HPos::Center)
    }

    /// What the colours mean.
    fn bar<Backend: DrawingBackend>(&self, canvas: &Canvas<Backend>) -> Drawn<Backend> {
        let ((left, top), side) = self.place();
        let left = left + side + 28;
        for line in 0..side {
            let part = f64::from(side - 1 - line) / f64::from(side - 1).max(1.0);
            // Down to the foot, where the next ones lie on top: between neighbours an SVG would show seams.
            canvas.rectangle((left, top + line), (14, side - line), shade(part * part))?;
        }
        for (share, label) in SHARES {
            let down = top + ((1.0 - share.sqrt()) * f64::from(side - 1)).round() as i32;
            canvas.rectangle((left + 14, down), (5, 1), TEXT)?;
            canvas.text(label, (left + 24, down), 14, TEXT, HPos::Left)?;
        }
        canvas.upwards("share of the true class", (left + 90, top + side / 2), 15, HPos::Center)
    }
}

impl Picture for Matrix<'_> {
    const SCALE: u32 = 2;

    fn size(&self) -> (u32, u32) {
        let ((left, top), side) = self.place();
        let titles = text_width(self.title, 22).max(text_width(&self.subtitle, 16)) + 2 * Self::MARGIN;
        ((left + side + Self::RIGHT).max(titles) as u32, (top + side + self.below() + 40) as u32)
    }

    fn draw_on<Backend: DrawingBackend>(&self, area: &DrawingArea<Backend, Shift>) -> Drawn<Backend> {
        area.fill(&WHITE)?;
        let canvas = Canvas(area);
        let middle = self.size().0 as i32 / 2;
        canvas.text(self.title, (middle, 34), 22, TEXT, HPos::Center)?;
        canvas.text(&self.subtitle, (middle, 64), 16, TEXT, HPos::Center)?;
        self.cells(&canvas)?;
        self.axes(&canvas)?;
        self.bar(&canvas)
    }
}

/// A name that is not too long.
fn shortened(name: &str) -> String {
    if name.width() <= NAME_COLUMNS {
        return name.to_owned();
    }
    let mut columns = 0;
    let fits = |character: &char| {
        columns += character.width().unwrap_or(0);
        columns < NAME_COLUMNS
    };
    name.chars().take_while(fits).collect::<String>() + "…"
}

/// The colour of a share, from white over the house's blue to a dark one. The square root lets a few mistakes be seen.
fn shade(share: f64) -> RGBColor {
    let (part, third) = (share.sqrt(), THIRD.sqrt());
    let mix = |from: RGBColor, to: RGBColor, part: f64| {
        let channel = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
        RGBColor(channel(from.0, to.0), channel(from.1, to.1), channel(from.2, to.2))
    };
    if part < third { mix(WHITE, LOSS, part / third) } else { mix(LOSS, FULL, (part - third) / (1.0 - third)) }
}

/// How bright a colour looks, from 0 to 1 (ITU-R BT.709, on the values as they are stored).
fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
    (0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)) / 255.0
}
