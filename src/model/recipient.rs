//! Places: where the node is, and recipients outside the house, as its configuration names them: to whom personal data is
//! disclosed (GDPR art. 4(9)), and in which country.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::{Checker, Violation};
use super::country::{COUNTRY, Country};

/// Most recipients of a node.
pub const RECIPIENTS_MAX: usize = 10_000;
/// Longest name of one, in bytes, as in an event.
pub const RECIPIENT_BYTES_MAX: usize = 128;

/// Where personal data is and where it goes, as the node's configuration says.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// In which country the node keeps it; `None` if that is not said.
    pub region: Option<Country>,
    /// To whom it is disclosed.
    pub recipients: Arc<Recipients>,
}

/// The recipients of a node, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recipients(BTreeMap<String, Country>);

impl Recipients {
    /// Those of that name and country.
    ///
    /// # Errors
    ///
    /// Each bad one by its place, from 0: a name that no event could have, a name that stands twice, a country that is
    /// none; or too many of them.
    pub fn new(named: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Violation>> {
        let mut checker = Checker::default();
        let mut recipients = BTreeMap::new();
        for (place, (name, code)) in named.into_iter().enumerate() {
            if place == RECIPIENTS_MAX {
                checker
                    .refuse("recipient", format!("stands more than {RECIPIENTS_MAX} times, the limit: take some out"));
                break;
            }
            checker.within(format_args!("recipient[{place}]"), |checker| {
                let name = checker.required_plain("name", name, RECIPIENT_BYTES_MAX);
                match Country::new(&code) {
                    None => checker.refuse("country", COUNTRY),
                    Some(country) => {
                        if recipients.insert(name, country).is_some() {
                            checker.refuse("name", "stands twice: take one out");
                        }
                    }
                }
            });
        }
        checker.finish(Self(recipients))
    }

    /// Where the recipient of that name is, to the letter; `None` if it is not known.
    pub fn country(&self, name: &str) -> Option<Country> {
        self.0.get(name).copied()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Country)> {
        self.0.iter().map(|(name, country)| (name.as_str(), *country))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_one_is_named_by_its_place() {
        let new = |named: &[(&str, &str)]| {
            Recipients::new(named.iter().map(|(name, code)| ((*name).to_owned(), (*code).to_owned())))
        };
        let good = new(&[("Court", "PL"), ("court", "DE")]).expect("are good");
        assert_eq!(good.country("court").map(|country| country.to_string()).as_deref(), Some("DE"));
        assert_eq!((good.country("COURT"), good.iter().len()), (None, 2));
        let long = "x".repeat(RECIPIENT_BYTES_MAX + 1);
        let rows: [(&[(&str, &str)], &str); 7] = [
            (&[("Court", "PL"), ("", "PL")], "recipient[1].name: is required: give 1 to 128 bytes"),
            (&[(&long, "PL")], "recipient[0].name: is 129 bytes, the limit is 128: shorten it"),
            (&[("a\x1b[31m", "PL")], "recipient[0].name: has control characters: remove them"),
            (
                &[("a\u{202e}b", "PL")],
                "recipient[0].name: has characters that are not seen or turn text round: remove them",
            ),
            (&[("Court", "PL"), ("Court", "DE")], "recipient[1].name: stands twice: take one out"),
            (&[("Court", "Poland")], &format!("recipient[0].country: {COUNTRY}")),
            (&[("Court", "")], &format!("recipient[0].country: {COUNTRY}")),
        ];
        for (named, wanted) in rows {
            let bad = new(named).expect_err(wanted);
            assert_eq!(bad.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted], "{named:?}");
        }
        let many = Recipients::new((0..=RECIPIENTS_MAX).map(|n| (n.to_string(), "PL".to_owned())));
        assert!(many.expect_err("are many")[0].to_string().contains("more than 10000 times"));
    }
}
