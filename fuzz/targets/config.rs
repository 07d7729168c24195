//! A configuration file: settings that hold, or a refusal by line that shows no value.

use akta::config::File;

use super::said::contains;

/// A text of this length with a mark in it, at whatever place of the file a value stands.
const MARK: &str = "zq-marker-7731";

/// The text of a file.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match File::parse(text) {
        Ok(file) => {
            if let Ok(settings) = file.settings(true) {
                assert_eq!(settings.controllers.len(), file.controllers.len());
                assert_eq!(settings.disk_reserve, file.disk_reserve.map(|size| size.0));
            }
            let _ = file.settings(false);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    shows_no_value(text, |text| File::parse(text).err().map(|error| error.to_string()));
}

/// What stands in quotes may be a secret in the wrong place: what is said of a bad text does not show it.
pub(super) fn shows_no_value(text: &str, refused: impl Fn(&str) -> Option<String>) {
    let pieces: Vec<&str> = text.split('"').collect();
    for at in (1..pieces.len()).step_by(2) {
        let mut marked = pieces.clone();
        marked[at] = MARK;
        let marked = marked.join("\"");
        let Some(error) = refused(&marked) else { continue };
        let line = marked.lines().find(|line| line.contains(MARK)).unwrap_or_default();
        let name = line.split('=').next().unwrap_or_default().contains(MARK);
        assert!(name || !contains(error.as_bytes(), MARK.as_bytes()), "a value is shown: {error}");
    }
}
