//! Pages, shown by whatever shows them here.

use std::path::Path;

use super::terminal::say;

/// Shows a page, and does not wait for it. Where nothing can show it, a warning says where it is.
pub fn open(page: &Path) {
    if let Err(error) = std::path::absolute(page).and_then(open::that_detached) {
        say(format_args!("warning: no browser shows {} ({error}); open it yourself", page.display()));
    }
}
