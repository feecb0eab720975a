//! What the repository promises about itself: which module imports which, what the dependencies are licensed as,
//! that the documents name things which exist. Each check is a function over text that returns what is wrong, and is
//! itself tested on text that is wrong.

mod dependencies;
mod documents;
mod imports;
mod source;

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a directory whose name ends in `ending`, relative to the repository's root, in order.
fn files_below(directory: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root().join(directory)];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display())) {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path.strip_prefix(root()).expect("a path below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn read(relative: &Path) -> String {
    std::fs::read_to_string(root().join(relative)).unwrap_or_else(|e| panic!("{}: {e}", relative.display()))
}
