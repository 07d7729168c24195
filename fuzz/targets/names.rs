//! Names as text from outside: what is taken is printed as it was given, keeps the rule of its kind, and holds nothing
//! that a terminal obeys or a path leads away with.

use akta::model::character::{is_harmful, is_hidden};
use akta::model::check::Checker;
use akta::model::country::Country;
use akta::model::date::Timestamp;
use akta::model::origin::{Controller, Origin};
use akta::model::permission::holder::{Holder, Meeting};
use akta::model::secret_name::secret_in;
use akta::model::spiffe::{SPIFFE_BYTES_MAX, SpiffeId};

/// One text.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(controller) = Controller::new(text) {
        assert!(
            controller.as_str() == text && text.len() <= 63 && !text.contains('/') && !text.chars().any(is_harmful)
        );
        assert!(!matches!(text, "." | "..") || controller.is_path_like());
    }
    if let Some(origin) = Origin::parse(text) {
        assert!(origin.as_str() == text && text.len() <= 255);
        assert_eq!(text.split('/').nth(1), Some(origin.controller().as_str()));
    }
    if let Ok(id) = SpiffeId::parse(text) {
        assert_eq!((id.as_str(), text.parse().as_ref()), (text, Ok(&id)));
        assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), text);
        assert!(text.len() <= SPIFFE_BYTES_MAX && text.is_ascii() && !text.chars().any(is_harmful));
        assert!(!id.path().split('/').any(|segment| matches!(segment, "." | "..")));
        assert_eq!(Holder::parse(text), id.is_workload().then_some(Holder::Workload(id)));
    }
    if let Some(holder) = Holder::parse(text) {
        assert_eq!(holder.to_string(), text);
        assert_eq!(holder.meets(&holder), Meeting::Same);
        assert!(holder.issuer().is_none_or(|issuer| text.contains(issuer)));
    }
    if let Some(country) = Country::new(text) {
        assert_eq!(country.code(), text);
    }
    if let Some(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_string()).map(|again| again.to_string()), Some(time.to_string()));
    }
    plain(text);
    attribute(text);
}

/// What is taken as a name is seen as it is; what is not is told without it.
fn plain(text: &str) {
    let mut checker = Checker::default();
    let kept = checker.required_plain("field", text.to_owned(), 64);
    match checker.finish(kept) {
        Ok(kept) => assert!(kept == text && (1..=64).contains(&text.len()) && !text.chars().any(is_harmful)),
        Err(bad) => {
            let wrong = text.is_empty() || text.len() > 64 || text.chars().any(is_harmful);
            assert!(wrong && bad.iter().all(|bad| bad.field == "field" && !bad.description.chars().any(is_hidden)));
        }
    }
}

/// Whatever stands between the words of a secret, and before and after it, it is caught; a longer word is not.
fn attribute(text: &str) {
    if let Some(word) = secret_in(text) {
        let small: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        assert!(text.len() <= 64 && small.contains(word), "{text:?}: {word}");
    }
    let separators = text.chars().filter(|c| !c.is_alphanumeric()).take(6).collect::<String>();
    for (begins, ends) in [("pass", "word"), ("Api", "Key"), ("TO", "KEN"), ("set", "Cookie")] {
        let name = format!("x-{begins}{separators}{ends}_{separators}1");
        assert!(name.len() > 64 || secret_in(&name).is_some(), "{name:?}");
    }
    let letters: String = text.chars().filter(|c| c.is_ascii_lowercase() && *c != 's').take(9).collect();
    if !letters.is_empty() {
        assert!(secret_in(&format!("token{letters}q")).is_none() && secret_in(&format!("q{letters}qpasswd")).is_none());
    }
}
