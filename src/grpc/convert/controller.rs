//! Controllers: names, zones and profiles in; what is known of one out.

use std::collections::BTreeSet;

use super::super::api::{self, ForeignPurposes as Wire};
use super::super::status::Refusal;
use super::{controller, not_the_node};
use crate::grpc::time::wire;
use crate::model::check::Checker;
use crate::model::country::Country;
use crate::model::date::Zone;
use crate::model::origin::Controller;
use crate::model::permission::acts::Acts;
use crate::model::permission::approval::LoneApprover;
use crate::model::profile::{ForeignPurposes, Profile};
use crate::trail::ask::Ground;
use crate::trail::controllers::About;
use crate::trail::submission::Receipt;

/// Most controllers in one call.
const CONTROLLERS_MAX: usize = 1_000;

/// A controller about which something is decided: not the reserved one.
pub fn school(name: String, checker: &mut Checker) -> Option<Controller> {
    controller(name, checker)
}

/// Several of them, each once.
pub fn schools(names: Vec<String>, checker: &mut Checker) -> BTreeSet<Controller> {
    if names.len() > CONTROLLERS_MAX {
        let count = names.len();
        checker
            .refuse("controllers", format!("has {count} entries, the limit is {CONTROLLERS_MAX}: call several times"));
    }
    let names = names.into_iter().take(CONTROLLERS_MAX).enumerate();
    names.filter_map(|(place, name)| not_the_node(&format!("controllers[{place}]"), name, checker)).collect()
}

/// The time zone that a trail counts in; `None` for the node's own.
pub fn zone(name: &str, checker: &mut Checker) -> Option<Zone> {
    let zone = Zone::named(name);
    if zone.is_none() && !name.is_empty() {
        checker.refuse("zone", "is not a time zone of the IANA database, such as \"Europe/Warsaw\": give one, or none");
    }
    zone.filter(|_| !name.is_empty())
}

/// What kind of controller it is.
pub fn profile(given: api::ControllerProfile, checker: &mut Checker) -> Profile {
    let foreign_purposes = match Wire::try_from(given.foreign_purposes) {
        Ok(Wire::Unspecified | Wire::Flag) => ForeignPurposes::Flag,
        Ok(Wire::Refuse) => ForeignPurposes::Refuse,
        Err(_) => {
            checker.refuse("profile.foreign_purposes", "is not one that this version knows: FLAG or REFUSE");
            ForeignPurposes::Flag
        }
    };
    let profile = Profile {
        public_body: given.public_body,
        register_keeper: given.register_keeper,
        group_only_sources: given.group_only_sources.into_iter().collect(),
        foreign_purposes,
    };
    for bad in profile.clone().checked().err().into_iter().flatten() {
        checker.refuse(&format!("profile.{}", bad.field), bad.description);
    }
    profile
}

/// Where the page before ended.
pub fn after(token: &str, checker: &mut Checker) -> Option<Controller> {
    let after = Controller::new(token);
    if after.is_none() && !token.is_empty() {
        checker.refuse("page_token", "is not a token of this list: take next_page_token as it came");
    }
    after
}

/// Whose acts somebody wants to see, and why.
///
/// # Errors
///
/// The bad fields.
pub fn asked_why(name: String, purpose: i32, purpose_text: String) -> Result<(Controller, Ground), Refusal> {
    let mut checker = Checker::default();
    let (of, ground) = super::ground(name, purpose, purpose_text, &mut checker);
    if of.as_ref().is_some_and(Controller::is_node) {
        checker.refuse("controller", "\"node\" decides nothing: name the school or organisation");
    }
    checker.finish(()).map_err(Refusal::invalid)?;
    Ok((of.ok_or_else(|| Refusal::invalid(Vec::new()))?, ground))
}

/// Where a change is recorded.
pub fn change_receipt(receipt: &Receipt) -> api::ChangeReceipt {
    let api::Receipt { origin, seq, link, recorded_at } = super::receipt(receipt);
    api::ChangeReceipt { origin, seq, link, recorded_at }
}

/// What is known of a controller.
pub fn controller_info(about: &About, acts: &Acts, region: Option<Country>) -> api::ControllerInfo {
    let profile = acts.profile();
    let foreign_purposes = match profile.foreign_purposes {
        ForeignPurposes::Flag => Wire::Flag,
        ForeignPurposes::Refuse => Wire::Refuse,
    };
    api::ControllerInfo {
        controller: about.controller.to_string(),
        origin: about.origin.to_string(),
        zone: about.zone.clone(),
        opened_at: Some(wire(about.opened_at)),
        size: about.size,
        profile: Some(api::ControllerProfile {
            public_body: profile.public_body,
            register_keeper: profile.register_keeper,
            group_only_sources: profile.group_only_sources.iter().cloned().collect(),
            foreign_purposes: foreign_purposes.into(),
        }),
        lone_approval: acts.lone() != LoneApprover::Refused,
        region: region.map(|region| region.to_string()).unwrap_or_default(),
        closed_at: acts.closed().map(wire),
        predecessors: about.past.clone(),
    }
}
