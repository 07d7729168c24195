//! A policy file: rules that hold, or a refusal by line that shows no value.

use std::path::Path;

use akta::config::policy;
use akta::model::caller::{Caller, Claims, Credential};
use akta::model::date::Timestamp;
use akta::model::origin::Controller;
use akta::model::permission::acts::Acts;
use akta::model::permission::decide::{Decision, decide};
use akta::model::permission::holder::Holder;
use akta::model::permission::policy::{Policy, Staff};
use akta::model::permission::who_can::{Through, who_can};
use akta::model::permission::{Permission, Reach};

use super::config::shows_no_value;

/// The text of a file.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parse = |text: &str| policy::parse(text, Path::new("/etc/akta"));
    match parse(text) {
        Ok(policy) => holds(&policy),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    shows_no_value(text, |text| parse(text).err().map(|error| error.to_string()));
}

/// Nobody gets in whom no entry names, and the vendor's staff see nothing where no controller decided anything.
fn holds(policy: &Policy) {
    let nothing = Acts::default();
    let now = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
    let claims = Claims { issuer: String::new(), subject: String::new(), groups: vec![String::new()] };
    let stranger = Caller::new(Credential::Person(claims));
    let named = policy.entries().iter().flat_map(|entry| entry.scope().named().cloned());
    for controller in named.chain(Controller::new("school-1")).take(50) {
        for permission in Permission::ALL {
            let found = decide(policy, &nothing, &stranger, permission, &controller, now);
            assert!(matches!(found, Decision::Denied(_)), "{found:?}");
            for answer in who_can(policy, &nothing, permission, &controller, now).answers {
                let closed = permission.reach() != Reach::Blind && !controller.is_node();
                let vendor = answer.basis.staff == Staff::Processor;
                assert!(!(closed && vendor) && answer.through == Through::Entry, "{answer:?}");
                let issuer = answer.who.issuer();
                let known = |url| policy.issuers().iter().any(|issuer| issuer.url == url);
                assert!(issuer.is_none_or(known), "{answer:?}");
                let id = matches!(&answer.who, Holder::Workload(id) if !id.is_workload());
                assert!(!id, "{answer:?}");
            }
        }
    }
}
