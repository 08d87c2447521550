//! Tables with aligned columns, also where letters are two columns wide.

use unicode_width::UnicodeWidthStr;

/// Headings and rows; the first column stands on the left, the others on the right.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Table {
        Table { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// Adds a column.
    pub fn heading(&mut self, heading: &str) {
        self.rows[0].push(heading.to_owned());
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The text, a row a line.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &[String], column: usize| row.get(column).map_or(0, |text| text.width());
        let widths: Vec<usize> =
            (0..columns).map(|column| self.rows.iter().map(|row| cell(row, column)).max().unwrap_or(0)).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, text) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[column] - text.width());
                match column {
                    0 => line += &format!("{text}{blanks}"),
                    _ => line += &format!("  {blanks}{text}"),
                }
            }
            out += line.trim_end();
            out.push('\n');
        }
        out
    }
}
