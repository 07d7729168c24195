//! Checked values: text that cannot be too long, and the list of what was wrong with a request.
//!
//! A [`Checker`] collects every bad field, so a developer mends them in one go. A violation names the field, the
//! limit and the remedy, never the value.

use std::fmt;

use super::character::is_hidden;

/// A field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `subjects[3].identity.id`.
    pub field: String,
    /// What is wrong, the limit, the remedy.
    pub description: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

/// Collects violations while a request is taken apart.
#[derive(Debug, Default)]
pub struct Checker {
    violations: Vec<Violation>,
}

impl Checker {
    /// Runs `check` within `field`: the path of what it refuses begins with it. Most refuse nothing, and write none.
    pub fn within<T>(&mut self, field: impl fmt::Display, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.violations.len();
        let value = check(self);
        for violation in &mut self.violations[before..] {
            violation.field = match violation.field.as_str() {
                "" => field.to_string(),
                inner => format!("{field}.{inner}"),
            };
        }
        value
    }

    /// Notes that `field` is bad. At most 64 are kept: more would help nobody.
    pub fn refuse(&mut self, field: &str, description: impl Into<String>) {
        if self.violations.len() < 64 {
            self.violations.push(Violation { field: field.to_owned(), description: description.into() });
        }
    }

    /// Text of at most `max` bytes without control characters.
    pub fn text(&mut self, field: &str, value: String, max: usize) -> String {
        if value.len() > max {
            self.refuse(field, format!("is {} bytes, the limit is {max}: shorten it", value.len()));
        } else if value.chars().any(char::is_control) {
            self.refuse(field, "has control characters: remove them");
        }
        // Once refused the value goes nowhere, but it was given: nobody is to be told that it is missing as well.
        value
    }

    /// As [`Checker::text`], and not empty.
    pub fn required_text(&mut self, field: &str, value: String, max: usize) -> String {
        if value.is_empty() {
            self.refuse(field, format!("is required: give 1 to {max} bytes"));
        }
        self.text(field, value, max)
    }

    /// As [`Checker::text`], and without characters that are not seen or turn text round: what is told apart by reading it.
    pub fn plain(&mut self, field: &str, value: String, max: usize) -> String {
        if value.chars().any(is_hidden) {
            self.refuse(field, "has characters that are not seen or turn text round: remove them");
        }
        self.text(field, value, max)
    }

    /// As [`Checker::plain`], and not empty.
    pub fn required_plain(&mut self, field: &str, value: String, max: usize) -> String {
        if value.chars().any(is_hidden) {
            self.refuse(field, "has characters that are not seen or turn text round: remove them");
        }
        self.required_text(field, value, max)
    }

    /// A name: 1 to 63 of `a-z 0-9 . _ -`.
    pub fn name(&mut self, field: &str, value: String) -> String {
        if !super::origin::is_name(&value) {
            self.refuse(field, "must be 1 to 63 of a-z 0-9 . _ -");
        }
        value
    }

    /// Exactly 32 bytes, or none.
    pub fn hash(&mut self, field: &str, value: Vec<u8>) -> Vec<u8> {
        if !matches!(value.len(), 0 | 32) {
            self.refuse(field, format!("is {} bytes: give 32, or leave it out", value.len()));
        }
        value
    }

    /// A list of at most `max` entries.
    pub fn list<T>(&mut self, field: &str, values: Vec<T>, max: usize) -> Vec<T> {
        if values.len() > max {
            self.refuse(field, format!("has {} entries, the limit is {max}: split the event", values.len()));
        }
        values.into_iter().take(max).collect()
    }

    /// `Ok(value)` if nothing was refused.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.violations.is_empty() { Ok(value) } else { Err(self.violations) }
    }
}
