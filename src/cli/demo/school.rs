//! A day at school, nine hours of it: lessons, parents, the office, money. The same every time but for the clock.

use super::act::{Act, Service};
use super::cast::{ACCOUNTANT, CLASSES, Class, PSYCHOLOGIST, PUPIL, Person, SECRETARY, TEACHERS};
use super::{curious, office};
use crate::cli::random::Random;
use crate::grpc::api::Change;
use crate::model::stored::{Action, DataCategory, Purpose, RetentionClass};

/// Minutes that the day lasts.
pub const MINUTES: u32 = 9 * 60;

const SEED: u64 = 12;
/// A browser of the school.
pub const DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const PHONE: &str = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36";

/// Everything that happens, in the order of the clock, and the numbers left over for ids.
pub fn day() -> (Vec<Act>, Random) {
    let mut random = Random::new(SEED);
    let mut acts = Vec::new();
    logins(&mut acts, &mut random);
    for class in CLASSES {
        for lesson in 0..class.lessons.len() {
            lesson_of(class, lesson, &mut acts, &mut random);
        }
    }
    portal(&mut acts, &mut random);
    office::morning(&mut acts, &mut random);
    office::payments(&mut acts, &mut random);
    curious::after_hours(&mut acts, &mut random);
    for act in &mut acts {
        act.second += random.small(50);
    }
    acts.sort_by_key(|act| act.second);
    (acts, random)
}

fn logins(acts: &mut Vec<Act>, random: &mut Random) {
    for (index, id) in (10..).zip(TEACHERS.into_iter().chain([PSYCHOLOGIST, SECRETARY, ACCOUNTANT])) {
        let service = if id.starts_with('t') { Service::Gradebook } else { Service::Office };
        let minute = random.small(12);
        let login = Act::login(service, minute, &Person::staff(id), random.bytes());
        acts.push(login.from(format!("10.12.0.{index}"), DESKTOP));
    }
}

/// The register is opened, absences and marks are entered, something is looked up.
fn lesson_of(class: Class, lesson: usize, acts: &mut Vec<Act>, random: &mut Random) {
    let place = class.lessons[lesson];
    let teacher = Person::staff(TEACHERS[place]);
    let desk = format!("10.12.0.{}", 10 + place);
    let begins = (15..).step_by(55).nth(lesson).unwrap_or(15);
    let act = |minute: u32, action, pupils: &[String], kind, why| {
        let act = Act::new(Service::Gradebook, begins + minute, &teacher, action);
        act.about(pupils, kind, why).from(desk.clone(), DESKTOP)
    };
    let register = format!("{}/{}", class.name, lesson + 1);
    acts.push(
        act(0, Action::List, &class.pupils(), DataCategory::Attendance, Purpose::Attendance).named("register.open").on(
            "class-register",
            register.clone(),
            &["name", "presence"],
        ),
    );
    for _ in 0..random.small(3) {
        let absent = [class.pupil(random.small(class.size))];
        acts.push(
            act(3, Action::Create, &absent, DataCategory::Attendance, Purpose::Attendance)
                .named("absence.enter")
                .on("absence", register.clone(), &["presence"])
                .kept(RetentionClass::Register),
        );
    }
    for _ in 0..2 + random.small(3) {
        let pupil = [class.pupil(random.small(class.size))];
        let id = format!("m-{}", 1_000 + random.small(9_000));
        acts.push(
            act(20 + random.small(20), Action::Create, &pupil, DataCategory::EducationRecord, Purpose::Assessment)
                .named("mark.enter")
                .on("mark", id.clone(), &["value", "weight"])
                .kept(RetentionClass::Register),
        );
        if random.small(5) == 0 {
            let hash = |side: &str| blake3::hash(format!("{id} {side}").as_bytes()).as_bytes().to_vec();
            let change = Change { hash_before: hash("before"), hash_after: hash("after") };
            acts.push(
                act(42, Action::Update, &pupil, DataCategory::EducationRecord, Purpose::Assessment)
                    .named("mark.change")
                    .on("mark", id.clone(), &["value"])
                    .kept(RetentionClass::Register)
                    .with(|event| event.change = Some(change)),
            );
        }
    }
    for _ in 0..1 + random.small(2) {
        let pupil = [class.pupil(random.small(class.size))];
        acts.push(
            act(10 + random.small(30), Action::Read, &pupil, DataCategory::EducationRecord, Purpose::Teaching)
                .named("marks.show")
                .on("marks", pupil[0].clone(), &[]),
        );
    }
}

/// Pupils and guardians look at what the school keeps of them, mostly in the afternoon.
fn portal(acts: &mut Vec<Act>, random: &mut Random) {
    let mut visitors = vec![(PUPIL.to_owned(), true), (PUPIL.to_owned(), false)];
    for index in 0..44 {
        let class = CLASSES[random.small(3) as usize];
        let pupil = class.pupil(index);
        // The pupil of the questions has had their two visits.
        if pupil != PUPIL {
            visitors.push((pupil, random.small(2) == 0));
        }
    }
    for (pupil, themselves) in visitors {
        let (who, why) = match themselves {
            true => (Person::pupil(&pupil), Purpose::SubjectSelfService),
            false => (Person::guardian_of(&pupil), Purpose::GuardianSelfService),
        };
        let minute = 120 + random.small(400);
        let home = match random.small(2) {
            0 => format!("198.51.100.{}", 1 + random.small(250)),
            _ => format!("2001:db8:{:x}::{:x}", 1 + random.small(0xfff), 1 + random.small(0xff)),
        };
        acts.push(Act::login(Service::Portal, minute, &who, random.bytes()).from(home.clone(), PHONE));
        let pupils = [pupil.clone()];
        let act = |minute, action, kind| {
            Act::new(Service::Portal, minute, &who, action).about(&pupils, kind, why).from(home.clone(), PHONE)
        };
        let marks = act(minute + 1, Action::Read, DataCategory::EducationRecord);
        acts.push(marks.named("marks.own").on("marks", pupil.clone(), &[]));
        if !themselves && random.small(2) == 0 {
            let note = act(minute + 3, Action::Create, DataCategory::Attendance);
            acts.push(note.named("absence.excuse").on("excuse-note", pupil.clone(), &["text"]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_the_same_each_time_and_ends_before_now() {
        let (acts, _) = day();
        let again = day().0;
        assert!((150..=400).contains(&acts.len()), "{} events", acts.len());
        assert!(acts.iter().zip(&again).all(|(a, b)| a.event == b.event && a.second == b.second));
        assert!(acts.iter().all(|act| act.second < MINUTES * 60));
    }
}
