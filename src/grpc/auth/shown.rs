//! How a value of a token reads in a log: short, and without anything that moves the cursor.

use std::fmt::{self, Write};

/// Most characters that are shown of a value.
const CHARS_MAX: usize = 80;

/// Shows text that somebody else chose: what does not print is escaped, what is long is cut.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, char) in self.0.chars().enumerate() {
            if count == CHARS_MAX {
                return f.write_str("...");
            }
            // Also marks that turn the direction of writing, and spaces that do not look like one.
            match char {
                ' ' => f.write_char(' ')?,
                char => write!(f, "{}", char.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_plain() {
        for (text, shown) in [
            ("anna", "anna"),
            ("Żaneta Ćwik", "Żaneta Ćwik"),
            ("a\x1b[31m\r\n", "a\\u{1b}[31m\\r\\n"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(Shown(text).to_string(), shown);
        }
        assert_eq!(Shown(&"x".repeat(9_000)).to_string(), format!("{}...", "x".repeat(CHARS_MAX)));
    }
}
