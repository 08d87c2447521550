//! A fitted model in a file: parameters, and all that it takes to use them on new rows.
//!
//! It is a safetensors file whose arrays are the parameters. The document, the bindings with their classes, means and
//! deviations, and the numbers given are its metadata, so that the file needs neither the document nor the table again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::array::Array;
use crate::encoding::FittedBinding;
use crate::error::DataError;
use crate::saved::{Saved, load, save};

/// The metadata's key and value that tell a model from any other safetensors file.
const KIND: (&str, &str) = ("kobai", "model 1");

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The document or formula.
    pub document: String,
    /// The bindings to columns, with what was settled by the training rows.
    pub bindings: Vec<FittedBinding>,
    /// The numbers given for symbols.
    pub numbers: BTreeMap<String, f64>,
    /// The parameters by name.
    pub parameters: Vec<(String, Array)>,
    /// What else is told of it, such as its loss.
    pub facts: BTreeMap<String, String>,
}

impl ModelFile {
    /// Writes it. A file of the same name is replaced only when the new one is whole.
    ///
    /// # Errors
    /// `file-not-written`.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        save(path, &self.saved())
    }

    /// As arrays and metadata.
    pub fn saved(&self) -> Saved {
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        let mut metadata = self.facts.clone();
        metadata.insert(KIND.0.into(), KIND.1.into());
        metadata.insert("document".into(), self.document.clone());
        metadata.insert("bindings".into(), json(serde_json::to_string(&self.bindings)));
        metadata.insert("numbers".into(), json(serde_json::to_string(&self.numbers)));
        Saved { arrays: self.parameters.clone(), metadata }
    }

    /// Reads a model that [`write`](ModelFile::write) wrote.
    ///
    /// # Errors
    /// `file-not-found`, `file-not-read`, `saved-malformed`, `saved-element-type`, `model-kind`, `model-metadata`.
    pub fn read(path: impl AsRef<Path>) -> Result<ModelFile, DataError> {
        let path = path.as_ref();
        let Saved { arrays, mut metadata } = load(path)?;
        let error = |code| DataError::new(code).with("file", path.display());
        if metadata.remove(KIND.0).as_deref() != Some(KIND.1) {
            return Err(error("model-kind"));
        }
        let mut take = |key: &str| metadata.remove(key).ok_or_else(|| error("model-metadata").with("key", key));
        let (document, bindings, numbers) = (take("document")?, take("bindings")?, take("numbers")?);
        let bindings: Vec<FittedBinding> =
            read_json(&bindings).ok_or_else(|| error("model-metadata").with("key", "bindings"))?;
        bindings.iter().try_for_each(FittedBinding::check)?;
        let numbers = read_json(&numbers).ok_or_else(|| error("model-metadata").with("key", "numbers"))?;
        Ok(ModelFile { document, bindings, numbers, parameters: arrays, facts: metadata })
    }
}

fn read_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
