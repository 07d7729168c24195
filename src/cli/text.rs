//! How things read on a terminal: times, numbers, names, escaped bytes.
//!
//! What others sent or stored may hold characters that a terminal obeys, or that make text read as another. Whatever a
//! command shows goes through [`say`], [`complain`], [`table`] or [`json`], which let none of them pass.

use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::grpc::api;
use crate::grpc::time::instant;
use crate::model::character::is_harmful;
use crate::model::stored;

/// A whole number with thousands apart: 9,999.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `2 events`, `3 accesses`.
pub fn count(number: usize, one: &str) -> String {
    let ending = match number {
        1 => "",
        _ if one.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {one}{ending}", self::number(number as u64))
}

/// A time to the second, UTC.
pub fn time(time: Option<&prost_types::Timestamp>) -> String {
    let time = time.and_then(instant);
    time.map_or_else(|| "-".to_owned(), |time| time.to_string()[..19].replace('T', " "))
}

/// A time as RFC 3339 to the millisecond; empty where there is none.
pub fn rfc3339(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(instant).map(|time| time.to_string()).unwrap_or_default()
}

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `camelCase` as `snake_case`.
pub fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// `namespace:id`, with the name in words if it is known; the pseudonym's first digits where nothing else is left.
pub fn who(identity: Option<&api::Identity>) -> String {
    match identity {
        None => "anonymous".to_owned(),
        Some(who) if who.id.is_empty() => {
            format!("~{}", hex(who.pseudonym.get(..4).unwrap_or_default()))
        }
        Some(who) if who.display_name.is_empty() => shown(&format!("{}:{}", who.namespace, who.id)),
        Some(who) => shown(&format!("{} ({}:{})", who.display_name, who.namespace, who.id)),
    }
}

/// The word of an action, without its prefix.
pub fn action(number: i32) -> String {
    word(stored::Action::try_from(number).map(|value| value.as_str_name()), "ACTION_", number)
}

/// The word of an outcome, without its prefix.
pub fn outcome(number: i32) -> String {
    word(stored::Outcome::try_from(number).map(|value| value.as_str_name()), "OUTCOME_", number)
}

/// The word of a purpose, without its prefix.
pub fn purpose(number: i32) -> String {
    match number {
        0 => "-".to_owned(),
        _ => word(stored::Purpose::try_from(number).map(|value| value.as_str_name()), "PURPOSE_", number),
    }
}

/// The word of a retention class, without its prefix.
pub fn class(number: i32) -> String {
    word(stored::RetentionClass::try_from(number).map(|value| value.as_str_name()), "RETENTION_CLASS_", number)
}

fn word<E>(name: Result<&'static str, E>, prefix: &str, number: i32) -> String {
    name.map_or_else(|_| number.to_string(), |name| name.trim_start_matches(prefix).to_owned())
}

/// Text on one line, with every character that does harm to a terminal or its reader as `\u{...}`.
pub fn shown(text: &str) -> String {
    harmless(text, false)
}

/// The same, with its lines.
pub fn lines(text: &str) -> String {
    harmless(text, true)
}

fn harmless(text: &str, with_lines: bool) -> String {
    let mut harmless = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if with_lines => harmless.push(c),
            _ if is_harmful(c) => harmless.extend(c.escape_default()),
            _ => harmless.push(c),
        }
    }
    harmless
}

/// JSON on one line; what would do harm as `\u....`, which reads back as the same.
pub fn json(value: &Value) -> String {
    let mut text = String::new();
    let mut units = [0; 2];
    for c in value.to_string().chars() {
        if is_harmful(c) {
            c.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        } else {
            text.push(c);
        }
    }
    text
}

/// Says something on stdout.
pub fn say(text: impl AsRef<str>) {
    // A reader that closed the pipe has seen enough.
    let _ = writeln!(std::io::stdout().lock(), "{}", lines(text.as_ref()));
}

/// Says something on stderr.
pub fn complain(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", lines(text.as_ref()));
}

/// Bytes as text without control characters, for a field of JSON: what is no UTF-8 as U+FFFD.
pub fn escape(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}

/// Cuts text to a width in characters.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A table: columns as wide as their widest cell, at most 48 characters.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    table_within(head, rows, 48)
}

/// A table: columns as wide as their widest cell, at most `widest` characters.
pub fn table_within(head: &[&str], rows: &[Vec<String>], widest: usize) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| cut(&shown(cell), widest)).collect()).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).chain([head[column].len()]).max().unwrap_or(0))
        .collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    std::iter::once(line(&head)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

/// How the same thing is listed for people and for programs.
pub struct Listing<'a, T> {
    /// Head of the table, one cell a column.
    pub head: &'a [&'a str],
    /// A line of the table.
    pub row: fn(&T) -> Vec<String>,
    /// For programs.
    pub object: fn(&T) -> Value,
}

impl<T> Listing<'_, T> {
    /// Says them: a table with columns of at most 80 characters, or with `json` one object a line.
    pub fn say(&self, all: &[T], json: bool) {
        if json {
            all.iter().for_each(|one| say(self::json(&(self.object)(one))));
        } else {
            say(table_within(self.head, &all.iter().map(self.row).collect::<Vec<_>>(), 80));
        }
    }
}

/// Progress on one line of a terminal; silent elsewhere.
pub struct Progress {
    shown: bool,
}

impl Progress {
    /// Progress on stderr, if that is a terminal.
    pub fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// Shows `done` of `total`.
    pub fn show(&self, what: &str, done: u64, total: u64) {
        if self.shown {
            let percent = (done * 100).checked_div(total).unwrap_or(100);
            eprint!("\r{}: {} of {} ({percent} %)\x1b[K", shown(what), number(done), number(total));
        }
    }

    /// Clears the line.
    pub fn done(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_apart() {
        for (n, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (9_999, "9,999"), (1_234_567, "1,234,567")] {
            assert_eq!(number(n), text);
        }
    }

    #[test]
    fn names_in_snake_case() {
        for (name, text) in [("eventId", "event_id"), ("event_id", "event_id"), ("TrailOpened", "trail_opened")] {
            assert_eq!(snake(name), text);
        }
    }

    #[test]
    fn terminals_come_to_no_harm() {
        assert_eq!(escape(b"a\x1b[31mred\n"), "a\\u{1b}[31mred\\n");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(shown("a\x1b]8;;x\x07b\r\n\u{9b}31m\u{202e}ż"), "a\\u{1b}]8;;x\\u{7}b\\r\\n\\u{9b}31m\\u{202e}ż");
        assert_eq!(lines("a\nb\rc"), "a\nb\\rc");
        let value = serde_json::json!({"a\x1b": "\x07\u{7f}\u{9b}\u{202e}\u{e0041}ż\n😀"});
        let text = json(&value);
        assert!(!text.chars().any(is_harmful) && text.contains("ż") && text.contains("😀"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("is JSON"), value);
        let table = table(&["A"], &[vec!["x\ny\x1b".to_owned()]]);
        assert_eq!(table, "A\nx\\ny\\u{1b}");
    }
}
