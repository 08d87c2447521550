//! Writing a file so that what was there before is lost only when the new one is whole.

use std::fs::Permissions;
use std::io;
use std::path::Path;

use crate::error::DataError;

/// Gives `write` a temporary file beside `path`, with the same extension, and renames it to `path` when `write` is done.
///
/// # Errors
/// What `write` returns, or `file-not-written`; in both cases `path` is what it was.
pub fn replace<E: From<DataError>>(path: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    // A temporary file in the same directory is on the same file system, so the rename is one step.
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let extension = path.extension().map_or(String::new(), |extension| format!(".{}", extension.to_string_lossy()));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".kobai-").suffix(&extension);
    if let Some(permissions) = readable_permissions() {
        builder.permissions(permissions);
    }
    let temporary = builder.tempfile_in(directory).map_err(|error| not_written(path, &error))?;
    write(temporary.path())?;
    temporary.as_file().sync_all().map_err(|error| not_written(path, &error))?;
    temporary.persist(path).map_err(|error| not_written(path, &error.error))?;
    Ok(())
}

/// The error for a file that the system would not let us write.
pub fn not_written(path: &Path, error: &io::Error) -> DataError {
    DataError::new("file-not-written").with("file", path.display()).with("reason", error)
}

/// The permissions of an ordinary new file; a temporary one would be readable by its owner only.
#[cfg(unix)]
fn readable_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    // The system takes away what the user's mask denies.
    Some(Permissions::from_mode(0o666))
}

/// Elsewhere a temporary file has ordinary permissions already.
#[cfg(not(unix))]
fn readable_permissions() -> Option<Permissions> {
    None
}
