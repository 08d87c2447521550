//! A lesson's front matter: what a document says about itself before its first line.
//!
//! ```text
//! ---
//! title: Softmax regression
//! bind:
//!   - x = columns pixel_0..pixel_63 scaled by 1/16
//!   - t = one-hot label
//!   - lambda = 0.001
//! ---
//! ```

/// What the front matter says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontMatter {
    /// The title.
    pub title: Option<String>,
    /// Bindings, as written.
    pub bindings: Vec<String>,
}

/// Reads the front matter of a document; empty if it has none.
pub fn front_matter(text: &str) -> FrontMatter {
    let mut found = FrontMatter::default();
    let Some((head, _)) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---")) else { return found };
    let mut binding = false;
    for line in head.lines() {
        let item = line.trim().strip_prefix("- ");
        match (item, line.split_once(':')) {
            (Some(item), _) if binding => found.bindings.push(item.trim().to_owned()),
            (None, Some((key, value))) => {
                binding = key.trim() == "bind";
                if key.trim() == "title" {
                    found.title = Some(value.trim().to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_are_the_items_of_their_list() {
        let text = "---\ntitle: A\nbind:\n  - x = columns a..b\n  - t = index c\nother:\n  - no\n---\n# A\n";
        let found = front_matter(text);
        assert_eq!(found.title.as_deref(), Some("A"));
        assert_eq!(found.bindings, ["x = columns a..b", "t = index c"]);
    }

    #[test]
    fn a_document_without_front_matter_binds_nothing() {
        assert_eq!(front_matter("# A\n---\n"), FrontMatter::default());
    }
}
