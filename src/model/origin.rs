//! Names: controllers, and origins of trails.

use std::fmt;
use std::sync::Arc;

/// A controller (GDPR art. 4(7)): 1 to 63 of `a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Controller(String);

impl Controller {
    /// The controller of that name; `None` if it is not a name.
    pub fn new(name: &str) -> Option<Self> {
        is_name(name).then(|| Self(name.to_owned()))
    }

    /// The reserved one, whose trail holds what belongs to no other.
    pub fn node() -> Self {
        Self(NODE.to_owned())
    }

    /// Whether it is the reserved one.
    pub fn is_node(&self) -> bool {
        self.0 == NODE
    }

    /// Whether its name is nothing but dots, dashes and underscores: `..` would be a folder to whoever makes a path of it.
    pub fn is_path_like(&self) -> bool {
        !self.0.bytes().any(|byte| byte.is_ascii_alphanumeric())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const NODE: &str = "node";

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Origin of a trail: `authority/controller/writer`, at most 255 bytes; key name of its checkpoints (C2SP).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// The origin of those parts; `None` if one of them is not a name.
    pub fn new(authority: &str, controller: &Controller, writer: &str) -> Option<Self> {
        Self::parse(&format!("{authority}/{controller}/{writer}"))
    }

    /// The origin of that text; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let names: Vec<&str> = text.split('/').collect();
        (names.len() == 3 && text.len() <= 255 && names.iter().all(|name| is_name(name))).then(|| Self(text.into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The authority in it.
    pub fn authority(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The writer in it.
    pub fn writer(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// The controller in it.
    pub fn controller(&self) -> Controller {
        Controller(self.0.split('/').nth(1).unwrap_or_default().to_owned())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which trail of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    /// Whose.
    pub controller: Controller,
    /// Its origin; `None`: the one that goes on.
    pub origin: Option<Origin>,
}

impl From<&Controller> for Which {
    fn from(controller: &Controller) -> Self {
        Self { controller: controller.clone(), origin: None }
    }
}

/// 1 to 63 of `a-z 0-9 . _ -`: an authority, a controller, a writer, a namespace.
pub fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_three_names() {
        for (text, good) in [
            ("akta.example/school-12/w1", true),
            ("akta.example/school-12", false),
            ("akta.example/school-12/w1/x", false),
            ("akta.example//w1", false),
            ("akta.example/School/w1", false),
            ("akta.example/sz kola/w1", false),
        ] {
            assert_eq!(Origin::parse(text).is_some(), good, "{text}");
        }
        let long = "a".repeat(64);
        assert!(Controller::new(&long).is_none());
        assert!(Controller::new(&long[..63]).is_some());
    }
}
