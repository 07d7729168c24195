//! What the demonstration is written on: bold and colour on a terminal, plain text elsewhere; 100 columns.

use std::io::{IsTerminal, Write};

use crate::cli::text;

/// Columns of the output.
pub const WIDTH: usize = 100;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "1;31";
const GREEN: &str = "1;32";
const CYAN: &str = "36";

/// Standard output.
#[derive(Debug, Clone, Copy)]
pub struct Paper {
    styled: bool,
}

impl Paper {
    /// Styled on a terminal, unless NO_COLOR is set or the reader wants it `plain`.
    pub fn new(plain: bool) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { styled: !plain && !no_color && std::io::stdout().is_terminal() }
    }

    fn style(self, code: &str, text: &str) -> String {
        if self.styled { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A line as it is.
    pub fn line(self, text: impl AsRef<str>) {
        // A reader that closed the pipe has seen enough.
        let _ = writeln!(std::io::stdout().lock(), "{}", text.as_ref());
    }

    /// A chapter's heading.
    pub fn heading(self, text: &str) {
        self.line("");
        self.line(self.style(BOLD, text));
    }

    /// What stands out in a line.
    pub fn strong(self, text: &str) -> String {
        self.style(BOLD, text)
    }

    /// A question in words, and the command that asks it.
    pub fn question(self, words: &str, command: &str) {
        self.line("");
        self.line(format!("  {}", self.style(BOLD, words)));
        self.command(command);
    }

    /// A command to type.
    pub fn command(self, command: &str) {
        let fits = command.chars().count() <= WIDTH - 4;
        let words = if fits { command.to_owned() } else { command.replace(" --", "\u{1}--") };
        let lines = wrap(&words, '\u{1}', WIDTH - 6);
        let last = lines.len().saturating_sub(1);
        for (index, line) in lines.iter().enumerate() {
            let line = line.replace('\u{1}', " ");
            let (prompt, more) = (if index == 0 { "$" } else { "   " }, if index == last { "" } else { " \\" });
            self.line(format!("  {}", self.style(CYAN, &format!("{prompt} {line}{more}"))));
        }
    }

    /// A table, indented; its head is dim.
    pub fn table(self, table: &str) {
        for (index, row) in table.lines().enumerate() {
            let row = format!("    {}", text::cut(row, WIDTH - 4));
            self.line(if index == 0 { self.style(DIM, &row) } else { row });
        }
    }

    /// What an answer means.
    pub fn meaning(self, text: &str) {
        self.line(format!("  → {text}"));
    }

    /// A verdict: one word in green or red, and what it is about.
    pub fn verdict(self, good: bool, word: &str, text: &str) {
        let (code, indent) = (if good { GREEN } else { RED }, 4 + word.chars().count());
        for (index, line) in wrap(text, ' ', WIDTH - indent).iter().enumerate() {
            match index {
                0 => self.line(format!("  {}  {line}", self.style(code, word))),
                _ => self.line(format!("{:indent$}{line}", "")),
            }
        }
    }
}

/// Breaks text at `gap` into lines of at most `width` characters, where its words are not longer.
fn wrap(text: &str, gap: char, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(gap) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(gap);
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("ąę be cee", ' ', 5), ["ąę be", "cee"]);
        assert_eq!(wrap("longer than that", ' ', 4), ["longer", "than", "that"]);
    }
}
