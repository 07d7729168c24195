//! Characters that do harm where text is compared by people, or shown on a terminal.

/// Whether a character shows nothing, or changes how others are shown: controls of the direction of text (Unicode TR 9),
/// which let a name read as another; separators of lines; marks and spaces without width; tags; notes between the lines.
///
/// Not among them: the two joiners (U+200C, U+200D), without which Persian, Hindi and others are not written right; and
/// control characters, for which there is [`char::is_control`].
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character must not reach a terminal as it is.
pub fn is_harmful(c: char) -> bool {
    c.is_control() || is_hidden(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_known() {
        let hidden = "\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}";
        assert!(hidden.chars().all(|c| is_hidden(c) && is_harmful(c)));
        let control = "\0\x07\x08\t\n\r\x1b\x7f\u{80}\u{9b}\u{9d}\u{9f}";
        assert!(control.chars().all(|c| !is_hidden(c) && is_harmful(c)));
        let seen = "aZ09 ._-/~żółćאبक\u{200c}\u{200d}\u{a0}—…😀\u{fffd}";
        assert!(!seen.chars().any(is_harmful));
    }
}
