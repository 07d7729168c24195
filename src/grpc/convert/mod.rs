//! Messages to checked values, and records to messages.

mod act;
mod controller;
mod event;
mod expiry;
mod hold;
mod identity;
mod question;
mod record;
mod retention;
mod verified;

pub use act::{
    act_id, approval_id, approval_info, concerning, deed, grant_info, holder, incident_info, known_id, perhaps_reason,
    permissions, reason, span, standing, times,
};
pub use controller::{after, asked_why, change_receipt, controller_info, profile, school, schools, zone};
pub use event::{cut_bytes, event};
pub use expiry::{Place, counted, day, expired, expiry_count, expiry_standing, place, until, whole_node};
pub use hold::{hold, hold_info, review_on};
pub use identity::{erased, found, ground_code, person, wanted};
pub use question::{ground, key, page_size, perhaps_ground, question, selection};
pub use record::{notices, receipt, recorded};
pub use retention::{choices, classes, differences, retention_lifetime};
pub use verified::verified;

use crate::model::check::{Checker, Violation};
use crate::model::date::Timestamp;
use crate::model::identity::Identity;
use crate::model::origin::{Controller, Origin, Which};

use super::status::Refusal;
use super::{api, time};

/// What is said of a text that is no origin.
const ORIGIN: &str = "is not an origin: authority/controller/writer, as in the receipt";

/// The controller of a question that shows neither events nor identities: the reserved one too.
pub fn any_controller(name: String) -> Result<Controller, Refusal> {
    Controller::new(&name).ok_or_else(|| {
        Refusal::invalid(vec![Violation {
            field: "controller".to_owned(),
            description: "must be 1 to 63 of a-z 0-9 . _ -: name the school or organisation, or \"node\"".to_owned(),
        }])
    })
}

/// Which of a controller's trails: the one that goes on, where no origin is named.
pub fn which(controller: &Controller, origin: &str) -> Result<Which, Refusal> {
    let mut checker = Checker::default();
    let origin = perhaps_origin(origin, &mut checker);
    checker.finish(Which { controller: controller.clone(), origin }).map_err(Refusal::invalid)
}

fn perhaps_origin(origin: &str, checker: &mut Checker) -> Option<Origin> {
    let parsed = Origin::parse(origin);
    if parsed.is_none() && !origin.is_empty() {
        checker.refuse("origin", ORIGIN);
    }
    parsed
}

/// The controller of an event: not the reserved one.
fn controller(name: String, checker: &mut Checker) -> Option<Controller> {
    not_the_node("controller", name, checker)
}

fn not_the_node(field: &str, name: String, checker: &mut Checker) -> Option<Controller> {
    let controller = any(field, name, checker);
    if controller.as_ref().is_some_and(Controller::is_node) {
        checker
            .refuse(field, "\"node\" is reserved for what belongs to no controller: name the school or organisation");
    }
    controller
}

/// The controller of a question: the reserved one too, whose trail holds refusals of callers who are not known.
fn asked_controller(name: String, checker: &mut Checker) -> Option<Controller> {
    any("controller", name, checker)
}

fn any(field: &str, name: String, checker: &mut Checker) -> Option<Controller> {
    let controller = Controller::new(&name);
    match &controller {
        None => checker.refuse(field, "must be 1 to 63 of a-z 0-9 . _ -: name the school or organisation"),
        Some(controller) if controller.is_path_like() => {
            checker.refuse(field, "must have a letter or a digit: name the school or organisation");
        }
        Some(_) => {}
    }
    controller
}

fn identity(identity: api::Identity, checker: &mut Checker) -> Identity {
    Identity {
        namespace: checker.name("namespace", identity.namespace),
        id: checker.required_plain("id", identity.id, 128),
        display_name: checker.text("display_name", identity.display_name, 128),
        email: checker.text("email", identity.email, 254),
    }
}

fn timestamp(field: &str, given: Option<prost_types::Timestamp>, checker: &mut Checker) -> Option<Timestamp> {
    let found = time::instant(&given?);
    if found.is_none() {
        checker.refuse(
            field,
            "is not a time between the years 1677 and 2262: give seconds since 1970 and 0 to 999,999,999 nanos",
        );
    }
    found
}

fn ip_bytes(field: &str, text: &str, checker: &mut Checker) -> Vec<u8> {
    match text.parse() {
        Ok(std::net::IpAddr::V4(ip)) => ip.octets().to_vec(),
        Ok(std::net::IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            Some(ip) => ip.octets().to_vec(),
            None => ip.octets().to_vec(),
        },
        Err(_) if text.is_empty() => Vec::new(),
        Err(_) => {
            checker.refuse(field, "is not an IPv4 or IPv6 address as text: mend it, or leave it out");
            Vec::new()
        }
    }
}

fn uuid(field: &str, text: &str, checker: &mut Checker) -> [u8; 16] {
    uuid::Uuid::try_parse(text).map(uuid::Uuid::into_bytes).unwrap_or_else(|_| {
        checker.refuse(field, "must be a UUID as text, for example 0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f");
        [0; 16]
    })
}
