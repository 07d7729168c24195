//! The fields of a JSON object, taken out one by one under their names in `akta.v1`: what is left over at the end is
//! refused by its name.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::cli::text::{cut, escape, snake};
use crate::model::check::Checker;
use crate::model::date::Timestamp;

/// Looks a full enum name up: `ACTION_READ` gives its number.
pub(super) type Lookup = fn(&str) -> Option<i32>;

/// An enum of `akta.record.v1`.
pub(super) struct Words {
    /// `ACTION_`.
    pub(super) prefix: &'static str,
    /// Its name and some of its words, for the one who mends the line.
    pub(super) of: &'static str,
    pub(super) lookup: Lookup,
}

/// An object whose fields are being taken out. `null` counts as left out.
pub(super) struct Fields(BTreeMap<String, (String, Value)>);

impl Fields {
    /// The fields of that object. Both spellings of a name together are refused.
    pub(super) fn new(object: Map<String, Value>, checker: &mut Checker) -> Self {
        let mut fields = BTreeMap::new();
        for (name, value) in object.into_iter().filter(|(_, value)| !value.is_null()) {
            let key = snake(&name);
            if fields.insert(key.clone(), (name, value)).is_some() {
                checker.refuse(&shown(&key), "stands twice, in two spellings: keep one");
            }
        }
        Self(fields)
    }

    /// Whether it was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The field of that name.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).map(|(_, value)| value)
    }

    /// The object of that name, worked on with the name as the path's next step.
    pub(super) fn object<T>(
        &mut self,
        name: &str,
        checker: &mut Checker,
        work: impl FnOnce(&mut Self, &mut Checker) -> T,
    ) -> Option<T> {
        match self.take(name)? {
            Value::Object(object) => Some(checker.within(name, |checker| Self::whole(object, checker, work))),
            _ => {
                checker.refuse(name, "must be an object");
                None
            }
        }
    }

    /// All of an object: what `work` leaves over is refused.
    pub(super) fn whole<T>(
        object: Map<String, Value>,
        checker: &mut Checker,
        work: impl FnOnce(&mut Self, &mut Checker) -> T,
    ) -> T {
        let mut fields = Self::new(object, checker);
        let value = work(&mut fields, checker);
        for (name, _) in fields.0.into_values() {
            checker.refuse(
                &shown(&name),
                "is not a field of akta.v1.Event: rename it, put it under attributes, or take it out",
            );
        }
        value
    }

    /// Text; empty if left out.
    pub(super) fn text(&mut self, name: &str, checker: &mut Checker) -> String {
        match self.take(name) {
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(_) => {
                checker.refuse(name, "must be text, in quotes");
                String::new()
            }
        }
    }

    /// A list of texts; one text stands for a list of one.
    pub(super) fn texts(&mut self, name: &str, checker: &mut Checker) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.list(name) {
            match value {
                Value::String(text) => texts.push(text),
                _ => checker.refuse(name, "must be a list of texts"),
            }
        }
        texts
    }

    /// A list; a single value stands for a list of one.
    pub(super) fn list(&mut self, name: &str) -> Vec<Value> {
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
        }
    }

    /// The number of a word: with or without its prefix, in any case, `-`, `_` or a blank between; a number stands for
    /// itself.
    pub(super) fn word(&mut self, name: &str, words: &Words, checker: &mut Checker) -> i32 {
        self.take(name).map_or(0, |value| word(name, &value, words, checker))
    }

    /// The numbers of a list of words.
    pub(super) fn words(&mut self, name: &str, words: &Words, checker: &mut Checker) -> Vec<i32> {
        self.list(name).iter().map(|value| word(name, value, words, checker)).collect()
    }

    /// A count; 0 if left out.
    pub(super) fn count(&mut self, name: &str, checker: &mut Checker) -> u64 {
        let number = match self.take(name) {
            None => return 0,
            // 64-bit numbers are texts in the JSON of protobuf.
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64(),
        };
        number.unwrap_or_else(|| {
            checker.refuse(name, "must be a whole number, 0 or more");
            0
        })
    }

    /// True or false; false if left out.
    pub(super) fn flag(&mut self, name: &str, checker: &mut Checker) -> bool {
        match self.take(name) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                checker.refuse(name, "must be true or false");
                false
            }
        }
    }

    /// A time: RFC 3339 with its offset.
    pub(super) fn time(&mut self, name: &str, checker: &mut Checker) -> Option<Timestamp> {
        // A date alone would become midnight: a time that nobody reported.
        let time = |text: &str| Timestamp::parse(text).filter(|_| text.len() > 10);
        let value = self.take(name)?;
        let found = value.as_str().and_then(time);
        if found.is_none() {
            checker
                .refuse(name, "must be a time with its offset, for example 2026-11-22T10:00:00Z or ...T11:00:00+01:00");
        }
        found
    }

    /// Bytes that are mostly text: a text as it stands, or `{"base64": "..."}`.
    pub(super) fn bytes(&mut self, name: &str, checker: &mut Checker) -> Vec<u8> {
        let base64 = |object: &Map<String, Value>| match (object.len(), object.get("base64")) {
            (1, Some(Value::String(text))) => STANDARD.decode(text).ok(),
            _ => None,
        };
        let bytes = match self.take(name) {
            None => return Vec::new(),
            Some(Value::String(text)) => Some(text.into_bytes()),
            Some(Value::Object(object)) => base64(&object),
            Some(_) => None,
        };
        bytes.unwrap_or_else(|| {
            checker.refuse(name, "must be text, or {\"base64\": \"...\"}");
            Vec::new()
        })
    }

    /// Exactly `length` bytes, as hex digits or base64.
    pub(super) fn exact(&mut self, name: &str, length: usize, checker: &mut Checker) -> Vec<u8> {
        let text = self.text(name, checker);
        if text.is_empty() {
            return Vec::new();
        }
        let bytes = if text.len() == 2 * length { unhex(&text) } else { STANDARD.decode(&text).ok() };
        bytes.filter(|bytes| bytes.len() == length).unwrap_or_else(|| {
            checker.refuse(name, format!("must be {length} bytes: {} hex digits, or base64", 2 * length));
            Vec::new()
        })
    }
}

fn word(name: &str, value: &Value, words: &Words, checker: &mut Checker) -> i32 {
    let number = match value {
        Value::Number(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
        Value::String(text) => {
            let upper = text.trim().to_ascii_uppercase().replace(['-', ' '], "_");
            let bare = upper.strip_prefix(words.prefix).unwrap_or(&upper);
            (words.lookup)(&format!("{}{bare}", words.prefix))
        }
        _ => None,
    };
    number.unwrap_or_else(|| {
        checker.refuse(name, format!("is not a word of akta.record.v1.{}", words.of));
        0
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// A name out of the file, as it may be shown.
fn shown(name: &str) -> String {
    cut(&escape(name.as_bytes()), 64)
}
