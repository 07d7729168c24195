//! What should not have happened: after hours, a canteen clerk reads what is none of his business.

use super::act::{Act, Service};
use super::cast::{CLASSES, CURIOUS, PSYCHOLOGIST, PUPIL, Person};
use super::office::opinion;
use super::school::DESKTOP;
use crate::cli::random::Random;
use crate::grpc::api::BreakGlass;
use crate::model::stored::{Action, DataCategory, Outcome, Purpose};

/// The address he does it from: none of the school's.
pub const ADDRESS: &str = "203.0.113.77";

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0";

/// An ordinary morning, and then the end of the day.
pub fn after_hours(acts: &mut Vec<Act>, random: &mut Random) {
    let clerk = Person::staff(CURIOUS);
    acts.push(Act::login(Service::Office, 25, &clerk, random.bytes()).from("10.12.0.31", DESKTOP));
    let meals = Act::new(Service::Office, 28, &clerk, Action::List)
        .about(&CLASSES[0].pupils(), DataCategory::Identity, Purpose::SchoolAdministration)
        .named("meals.list");
    acts.push(meals.on("meal-list", CLASSES[0].name, &["name"]).from("10.12.0.31", DESKTOP));

    let guess = Act::login(Service::Office, 485, &Person::staff(PSYCHOLOGIST), random.bytes());
    acts.push(
        guess
            .with(|event| event.action = Action::LoginFailed as i32)
            .ended(Outcome::Failure, "bad-password")
            .from(ADDRESS, AGENT),
    );
    acts.push(Act::login(Service::Office, 488, &clerk, random.bytes()).from(ADDRESS, AGENT));
    let card = |minute| {
        Act::new(Service::Office, minute, &clerk, Action::Read)
            .about(&[PUPIL.to_owned()], DataCategory::Family, Purpose::SchoolAdministration)
            .named("card.show")
            .on("pupil-card", PUPIL, &["address", "guardians"])
            .from(ADDRESS, AGENT)
    };
    let opened = |minute, why| opinion(minute, &clerk, PUPIL, why).from(ADDRESS, AGENT);
    let glass = |act: Act| {
        act.with(|event| event.break_glass = Some(BreakGlass { reason: "urgent, asked by telephone".to_owned() }))
    };
    acts.push(card(490));
    acts.push(opened(493, Purpose::SchoolAdministration).ended(Outcome::Denied, "role"));
    acts.push(glass(opened(495, Purpose::Emergency)));
    acts.push(card(507));
    acts.push(glass(opened(524, Purpose::Emergency)));
}
