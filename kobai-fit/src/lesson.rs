//! A lesson's front matter: what a document says about itself before its first line.
//!
//! ```text
//! ---
//! title: Softmax regression
//! bind:
//!   - x = columns pixel_0..pixel_63 scaled by 1/16
//!   - t = one-hot label
//!   - lambda = 0.001
//! init:
//!   - W = normal(0.1)
//! ---
//! ```

/// What the front matter says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// The title.
    pub title: Option<String>,
    /// Bindings, as written: the list `bind`.
    pub bindings: Vec<String>,
    /// How parameters start, as written: the list `init`.
    pub starts: Vec<String>,
}

/// Reads the front matter of a document; empty if it has none.
pub fn front_matter(text: &str) -> FrontMatter {
    let mut found = FrontMatter::default();
    let Some((head, _)) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---")) else { return found };
    let mut list = String::new();
    for line in head.lines() {
        match (line.trim().strip_prefix("- "), line.split_once(':')) {
            (Some(item), _) => match list.as_str() {
                "bind" => found.bindings.push(item.trim().to_owned()),
                "init" => found.starts.push(item.trim().to_owned()),
                _ => {}
            },
            (None, Some((key, value))) => {
                list = key.trim().to_owned();
                if list == "title" {
                    found.title = Some(value.trim().to_owned());
                }
            }
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_the_items_of_their_list() {
        let text =
            "---\ntitle: A\nbind:\n  - x = columns a..b\n  - t = index c\nother:\n  - no\ninit:\n  - W = 0\n---\n# A\n";
        let found = front_matter(text);
        assert_eq!(found.title.as_deref(), Some("A"));
        assert_eq!(found.bindings, ["x = columns a..b", "t = index c"]);
        assert_eq!(found.starts, ["W = 0"]);
    }

    #[test]
    fn a_document_without_front_matter_binds_nothing() {
        assert_eq!(front_matter("# A\n---\n"), FrontMatter::default());
    }
}
