//! The people of the school. Pupils and guardians are opaque ids; staff have names, as in a real school's records.

use crate::grpc::api::{Actor, Identity, Subject};
use crate::model::stored::{ActorKind, ChildFlag};

/// The controller whose day is told.
pub const SCHOOL: &str = "school-12";

/// Somebody who acts.
#[derive(Debug, Clone)]
pub struct Person {
    /// Id space.
    pub namespace: &'static str,
    /// Id in it.
    pub id: String,
    name: &'static str,
    kind: ActorKind,
    role: &'static str,
    unit: &'static str,
}

const fn staff(name: &'static str, role: &'static str, unit: &'static str) -> Staff {
    Staff { name, role, unit }
}

/// A member of staff without the id.
struct Staff {
    name: &'static str,
    role: &'static str,
    unit: &'static str,
}

const STAFF: [(&str, Staff); 8] = [
    ("t-11", staff("Anna Wiśniewska", "teacher", "mathematics")),
    ("t-14", staff("Paweł Kowalczyk", "teacher", "polish")),
    ("t-17", staff("Małgorzata Zięba", "teacher", "biology")),
    ("t-21", staff("Piotr Dąbrowski", "teacher", "sport")),
    ("s-02", staff("Barbara Szymańska", "psychologist", "counselling")),
    ("s-03", staff("Ewa Pawlak", "secretary", "office")),
    ("s-06", staff("Łukasz Gołąb", "accountant", "office")),
    ("s-09", staff("Tomasz Żak", "canteen-clerk", "canteen")),
];

/// Id of the pupil whom the questions are about; in class 6b.
pub const PUPIL: &str = "p-204";
/// Id of the member of staff who is too curious.
pub const CURIOUS: &str = "s-09";
/// Id of the psychologist.
pub const PSYCHOLOGIST: &str = "s-02";
/// Id of the secretary.
pub const SECRETARY: &str = "s-03";
/// Id of the accountant.
pub const ACCOUNTANT: &str = "s-06";
/// Id of the teacher who leaves.
pub const LEAVER: &str = "t-17";
/// Ids of the teachers.
pub const TEACHERS: [&str; 4] = ["t-11", "t-14", LEAVER, "t-21"];

impl Person {
    /// The member of staff with that id.
    pub fn staff(id: &'static str) -> Self {
        let found = STAFF.iter().find(|(known, _)| *known == id);
        let (name, role, unit) = found.map_or(("", "", ""), |(_, staff)| (staff.name, staff.role, staff.unit));
        Self { namespace: "staff", id: id.to_owned(), name, kind: ActorKind::Human, role, unit }
    }

    /// A pupil who looks at their own data.
    pub fn pupil(id: &str) -> Self {
        Self::of("pupil", id.to_owned(), ActorKind::Subject, "pupil")
    }

    /// A guardian of that pupil.
    pub fn guardian_of(pupil: &str) -> Self {
        Self::of("guardian", pupil.replace("p-", "g-"), ActorKind::Guardian, "guardian")
    }

    /// The vendor's support.
    pub fn support() -> Self {
        Self::of("vendor", "support-4".to_owned(), ActorKind::Support, "support")
    }

    /// The service that passes payments on.
    pub fn payments() -> Self {
        Self::of("service", "payments".to_owned(), ActorKind::Service, "payments")
    }

    fn of(namespace: &'static str, id: String, kind: ActorKind, role: &'static str) -> Self {
        Self { namespace, id, name: "", kind, role, unit: "" }
    }

    /// As the reporting service names them.
    pub fn actor(&self) -> Actor {
        Actor {
            identity: Some(Identity { display_name: self.name.to_owned(), ..Identity::new(self.namespace, &self.id) }),
            kind: self.kind as i32,
            roles: vec![self.role.to_owned()],
            org_unit: self.unit.to_owned(),
            on_behalf_of: None,
        }
    }
}

/// A class of the school.
#[derive(Debug, Clone, Copy)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Number of its first pupil.
    first: u32,
    /// How many pupils it has.
    pub size: u32,
    /// Who teaches its seven lessons today: positions in [`TEACHERS`].
    pub lessons: [usize; 7],
    child: ChildFlag,
}

/// The classes. No teacher is in two rooms at once.
pub const CLASSES: [Class; 3] = [
    Class { name: "5a", first: 101, size: 18, lessons: [1, 2, 3, 0, 1, 3, 2], child: ChildFlag::Under13 },
    Class { name: "6b", first: 201, size: 21, lessons: [0, 1, 2, 1, 0, 2, 0], child: ChildFlag::Under13 },
    Class { name: "7c", first: 301, size: 19, lessons: [2, 3, 0, 3, 2, 1, 1], child: ChildFlag::Under16 },
];

impl Class {
    /// Id of one of its pupils, by position.
    pub fn pupil(&self, position: u32) -> String {
        format!("p-{}", self.first + position % self.size)
    }

    /// All its pupils.
    pub fn pupils(&self) -> Vec<String> {
        (0..self.size).map(|position| self.pupil(position)).collect()
    }
}

/// The subject that a pupil's id stands for.
pub fn subject(pupil: &str) -> Subject {
    let class = CLASSES.iter().find(|class| class.pupils().iter().any(|id| id == pupil));
    let child = class.map_or(ChildFlag::Unspecified, |class| class.child);
    Subject { identity: Some(Identity::new("pupil", pupil)), child: child as i32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timetable_holds() {
        for lesson in 0..7 {
            let mut teachers: Vec<usize> = CLASSES.iter().map(|class| class.lessons[lesson]).collect();
            teachers.sort_unstable();
            teachers.dedup();
            assert_eq!(teachers.len(), CLASSES.len(), "lesson {lesson}");
        }
        assert!(CLASSES[1].pupils().contains(&PUPIL.to_owned()));
    }
}
