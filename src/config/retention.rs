//! A file of choices: how long a controller wants records of some classes to live, where it is not as the policy says.
//!
//! ```toml
//! [access]
//! core = "12 months"
//! net = "6 months"
//! ```

use std::path::Path;

use super::{ConfigError, strictly};
use crate::model::check::Checker;
use crate::model::retention::choice::Choice;
use crate::model::retention::form::Wanted;
use crate::model::retention::table::Table;

/// Why a file cannot be used.
#[derive(Debug)]
pub enum Unusable {
    /// It cannot be read.
    Unread(ConfigError),
    /// What is wrong with it, a line each: class and part, limit and legal source, never a value.
    Bad(Vec<String>),
}

/// Reads a file of choices, and checks it against the bounds of the shipped table.
///
/// # Errors
///
/// It cannot be read, or not all of it may be chosen, for a public authority or body or another.
pub fn read(path: &Path, public_body: bool) -> Result<Choice, Unusable> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Unusable::Unread(ConfigError(format!("{}: {error}", path.display()))))?;
    parse(&text, public_body).map_err(Unusable::Bad)
}

/// The same of a text.
///
/// # Errors
///
/// Everything that is wrong with it.
pub fn parse(text: &str, public_body: bool) -> Result<Choice, Vec<String>> {
    let file: Wanted = strictly(text).map_err(|error| vec![error.to_string()])?;
    let (table, mut checker) = (Table::shipped(), Checker::default());
    let choice = Choice::read(&file, table, &mut checker);
    let taken = checker.finish(choice).and_then(|choice| choice.check(table, public_body).map(|()| choice));
    taken.map_err(|bad| bad.iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::date::Lifetime;
    use crate::model::policy::Class;

    #[test]
    fn the_example_is_good_and_means_what_it_says() {
        let choice = parse(include_str!("../../examples/two-schools/retention.toml"), false).expect("is good");
        let access = choice.get(Class::Access).expect("chooses");
        assert_eq!((access.core, access.net), (Lifetime::Months(12), Some(Lifetime::Months(6))));
        assert_eq!(access.detail, Some(Lifetime::Months(12)), "no longer than the core");
        assert_eq!(access.session, Some(Lifetime::Days(7)), "as the policy says");
        let disclosure = choice.get(Class::Disclosure).expect("chooses");
        assert_eq!((disclosure.core, disclosure.net), (Lifetime::Months(72), Some(Lifetime::Months(24))));
        assert_eq!(choice.classes().count(), 2);
        // What the policy says anyway is no choice.
        assert_eq!(parse("[access]\ncore = \"24 months\"", true), Ok(Choice::default()));
        assert_eq!(parse("", true), Ok(Choice::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_limit_and_source_and_without_its_value() {
        let rows = [
            ("[access]\ncore = \"5 months\"", "access.core: may be 6 months to 24 months", "CNIL"),
            ("[access]\ncore = \"25 months\"", "access.core: may be 6 months to 24 months", "GDPR"),
            ("[access]\ncore = \"400 days\"", "access.core: may be 6 months to 24 months, counted so", ""),
            ("[security]\ncore = \"11 months\"", "security.core: may be 12 months to 24 months", "12 to 24 months"),
            ("[session]\nsession = \"8 days\"", "session.session: may be 1 day to 7 days", "at most 7 days"),
            ("[disclosure]\nnet = \"25 months\"", "disclosure.net: may be 12 months to 24 months", ""),
            ("[disclosure]\ncore = \"73 months\"", "disclosure.core: may be 24 months to 72 months", "art. 118"),
            ("[disclosure]\ndetail = \"36 months\"", "disclosure.detail: may not outlive the core, 24 months", ""),
            ("[log-access]\ncore = \"23 months\"", "log-access.core: may be 24 months to 72 months", ""),
            ("[evidence]\ncore = \"73 months\"", "evidence.core: may be 1 month to 72 months", "six years"),
            ("[evidence]\nnet = \"1 month\"", "evidence.net: is not kept in this class", ""),
            (
                "[register]\ncore = \"24 months\"",
                "register.core: is fixed at 5 years after the school year by law",
                "MEN",
            ),
            ("[register]\nnet = \"12 months\"", "register.net: is fixed at 24 months by law", ""),
            ("[accounting]\ncore = \"6 years after the fiscal year\"", "accounting.core: is fixed at", "art. 74"),
            ("[ledger]\ncore = \"1 month\"", "ledger.core: is of notices", ""),
            ("[acess]\ncore = \"12 months\"", "class: a table is named after no class: name one of session, ", ""),
            ("[Access]\ncore = \"12 months\"", "class: a table is named after no class", ""),
            ("[access]\ncor = \"12 months\"", "line 2: unknown field `cor`", ""),
            ("[access]\ncore = \"soon\"", "access.core: must be such as", ""),
            ("[access]\ncore = \"0 months\"", "access.core: must be such as", ""),
            ("[access]\ncore = \"70000 months\"", "access.core: must be such as", ""),
            ("[access]\ncore = 12", "line 2: invalid type, expected a string", ""),
        ];
        for (text, says, source) in rows {
            let bad = parse(text, false).expect_err(text);
            assert_eq!(bad.len(), 1, "{text}: {bad:?}");
            assert!(bad[0].starts_with(says) && bad[0].contains(source), "{text}: {bad:?}");
            assert!(!bad[0].contains("soon") && !bad[0].contains("70000"), "{bad:?}");
        }
    }

    #[test]
    fn a_public_body_keeps_what_the_law_says() {
        for (text, good) in [("[access]\ncore = \"12 months\"", false), ("[session]\ncore = \"12 months\"", true)] {
            assert!(parse(text, false).is_ok(), "{text}");
            assert_eq!(parse(text, true).is_ok(), good, "{text}");
        }
        let bad = parse("[access]\ncore = \"12 months\"", true).expect_err("is too short");
        assert!(bad[0].contains("24 months to 24 months for a public body") && bad[0].contains("KRI"), "{bad:?}");
    }
}
