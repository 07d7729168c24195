//! Scope: for which controllers something holds.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::origin::Controller;

/// For which controllers something holds. It says nothing about which there are: a foreign one and one that does not
/// exist are both just not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every controller, those to come and the node's own trail included; `*` in the file.
    All,
    /// These; never empty.
    Named(BTreeSet<Controller>),
}

impl Scope {
    /// The word for every controller.
    pub const ALL: &'static str = "*";

    /// From names, or `*` alone; `None` if there is none, or one of them is no name.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let names: Vec<&str> = names.into_iter().collect();
        match names[..] {
            [] => None,
            [Self::ALL] => Some(Self::All),
            _ => names.into_iter().map(Controller::new).collect::<Option<_>>().map(Self::Named),
        }
    }

    /// Whether it holds for that controller.
    pub fn covers(&self, controller: &Controller) -> bool {
        match self {
            Self::All => true,
            Self::Named(named) => named.contains(controller),
        }
    }

    /// The controllers that it names.
    pub fn named(&self) -> impl Iterator<Item = &Controller> {
        match self {
            Self::All => None,
            Self::Named(named) => Some(named),
        }
        .into_iter()
        .flatten()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(Self::ALL),
            Self::Named(named) => {
                let names: Vec<&str> = named.iter().map(Controller::as_str).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_or_a_star_alone() {
        let rows: [(&[&str], Option<&str>); 7] = [
            (&["*"], Some("*")),
            (&["school-2", "school-1", "school-2"], Some("school-1, school-2")),
            (&["node"], Some("node")),
            (&[], None),
            (&["*", "school-1"], None),
            (&["School 1"], None),
            (&["school-1", ""], None),
        ];
        for (names, scope) in rows {
            let found = Scope::parse(names.iter().copied()).map(|scope| scope.to_string());
            assert_eq!(found.as_deref(), scope, "{names:?}");
        }
    }
}
