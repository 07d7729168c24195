//! What a controller and its node make of an event that is good in itself: refused, recorded with a warning, or kept
//! otherwise than asked for. Applied where it is known whose event it is, after whoever reports it was let in.
//!
//! A controller may change its mind between an event and its repetition. So a refusal goes with the event to where it is
//! known what is recorded already: what is, gets its first receipt.

use super::check::Checker;
use super::country::Country;
use super::event::{Event, Fields, SUBJECTS_MAX};
use super::profile::{ForeignPurposes, Profile};
use super::recipient::Recipients;
use super::stored::{Action, LegalBasis, Purpose, RetentionClass, Warning};

/// The rules for the events of one controller.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// What kind of controller it is.
    pub profile: &'a Profile,
    /// Whom the node's operator knows as recipients.
    pub recipients: &'a Recipients,
}

impl Rules<'_> {
    /// The event as these rules have it; with all that is wrong with it under them, if they refuse it.
    pub fn apply(&self, mut event: Event) -> Event {
        let mut checker = Checker::default();
        let fields = event.ruled();
        self.subjects(fields, &mut checker);
        self.purpose(fields, &mut checker);
        self.legal_basis(fields);
        self.register(fields);
        self.recipient(fields);
        match checker.finish(()) {
            Ok(()) => event,
            Err(bad) => event.refused_for(bad),
        }
    }

    /// What leaves the house names everybody whom it concerns; where it concerns groups, it counts them.
    fn subjects(&self, fields: &Fields, checker: &mut Checker) {
        let leaves = matches!(fields.action(), Action::Export | Action::Download | Action::Print | Action::Disclose);
        let (listed, count) = (fields.subjects.len(), fields.core.subject_count as usize);
        if !leaves || (listed > 0 && listed == count) {
            return;
        }
        if !self.profile.is_group_only(&fields.core.source_service) {
            checker.refuse(
                "subjects",
                format!("EXPORT, DOWNLOAD, PRINT and DISCLOSE must list all their subjects, at most {SUBJECTS_MAX} an event: split a larger one into events with the same operation_id; only sources that the controller declared group-only need not"),
            );
        } else if count == 0 {
            checker.refuse("subject_count", "is required where groups are exported: count the people concerned");
        }
    }

    /// A processor uses personal data for its controller's purposes only (GDPR art. 28(3)(a)).
    fn purpose(&self, fields: &mut Fields, checker: &mut Checker) {
        if ![Purpose::Marketing as i32, Purpose::Analytics as i32].contains(&fields.core.purpose) {
            return;
        }
        match self.profile.foreign_purposes {
            ForeignPurposes::Flag => fields.warn(Warning::PurposeForeign),
            ForeignPurposes::Refuse => checker.refuse(
                "purpose",
                "MARKETING and ANALYTICS are refused by this controller: its data serves its own purposes only; do not access it for these, or have the controller's steward set foreign_purposes to FLAG",
            ),
        }
    }

    /// Legitimate interests are no ground for the tasks of a public authority (GDPR art. 6(1), last sentence).
    fn legal_basis(&self, fields: &mut Fields) {
        if self.profile.public_body && fields.core.legal_basis == LegalBasis::Art61F as i32 {
            fields.warn(Warning::LegalBasisExcluded);
        }
    }

    /// Without a register nothing lives by the law on registers.
    fn register(&self, fields: &mut Fields) {
        if !self.profile.register_keeper && fields.choice == RetentionClass::Register {
            fields.choice = RetentionClass::Unspecified;
            fields.warn(Warning::RegisterNotKept);
        }
    }

    fn recipient(&self, fields: &mut Fields) {
        let name = &fields.core.recipient;
        let known = self.recipients.country(name);
        let unknown = !name.is_empty() && known.is_none();
        let reported = Country::new(&fields.core.recipient_country);
        let outside = [known, reported].into_iter().flatten().any(|country| !country.is_in_eea());
        if unknown {
            fields.warn(Warning::RecipientUnknown);
        }
        if outside {
            fields.warn(Warning::OutsideEea);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Subject;
    use crate::model::identity::Identity;
    use crate::model::policy::Class;
    use crate::model::stored::{ActorKind, Core, DataCategory, Outcome};

    fn who(id: &str) -> Identity {
        Identity { namespace: "pupil".to_owned(), id: id.to_owned(), ..Identity::default() }
    }

    /// A good event with `count` subjects.
    fn event(count: usize, change: impl FnOnce(&mut Fields)) -> Event {
        let mut fields = Fields {
            core: Core {
                action: Action::Update as i32,
                outcome: Outcome::Success as i32,
                purpose: Purpose::Teaching as i32,
                categories: vec![DataCategory::EducationRecord as i32],
                actor_kind: ActorKind::Human as i32,
                source_service: "gradebook".to_owned(),
                ..Core::default()
            },
            actor: Some(who("t-17")),
            subjects: (0..count).map(|n| Subject { identity: who(&format!("p-{n}")), child: 0 }).collect(),
            ..Fields::default()
        };
        change(&mut fields);
        fields.check(Checker::default()).expect("is good in itself")
    }

    fn profile(change: impl FnOnce(&mut Profile)) -> Profile {
        let mut profile = Profile::default();
        change(&mut profile);
        profile
    }

    fn recipients() -> Recipients {
        let named = [("Court", "PL"), ("Fair Inc.", "US")];
        Recipients::new(named.map(|(name, code)| (name.to_owned(), code.to_owned()))).expect("are good")
    }

    /// A profile, a change of the event, the warnings or the fields that are refused.
    type Row = (&'static str, fn(&mut Profile), fn(&mut Fields), Result<&'static [Warning], &'static [&'static str]>);

    #[rustfmt::skip]
    const ROWS: &[Row] = &[
        ("nothing to say", |_| {}, |_| {}, Ok(&[])),
        ("marketing", |_| {}, |f| f.core.purpose = Purpose::Marketing as i32, Ok(&[Warning::PurposeForeign])),
        ("analytics", |_| {}, |f| f.core.purpose = Purpose::Analytics as i32, Ok(&[Warning::PurposeForeign])),
        ("marketing, refused", |p| p.foreign_purposes = ForeignPurposes::Refuse,
         |f| f.core.purpose = Purpose::Marketing as i32, Err(&["purpose"])),
        ("teaching, others refused", |p| p.foreign_purposes = ForeignPurposes::Refuse, |_| {}, Ok(&[])),
        ("a later purpose", |p| p.foreign_purposes = ForeignPurposes::Refuse, |f| f.core.purpose = 4_711, Ok(&[])),
        ("interests of a company", |_| {}, |f| f.core.legal_basis = LegalBasis::Art61F as i32, Ok(&[])),
        ("interests of a public body", |p| p.public_body = true,
         |f| f.core.legal_basis = LegalBasis::Art61F as i32, Ok(&[Warning::LegalBasisExcluded])),
        ("a task of a public body", |p| p.public_body = true,
         |f| f.core.legal_basis = LegalBasis::Art61E as i32, Ok(&[])),
        ("no register", |_| {}, |f| f.choice = RetentionClass::Register, Ok(&[Warning::RegisterNotKept])),
        ("a register", |p| p.register_keeper = true, |f| f.choice = RetentionClass::Register, Ok(&[])),
        ("an export of all", |_| {}, |f| f.core.action = Action::Export as i32, Ok(&[])),
        ("a part of an export", |_| {},
         |f| { f.core.action = Action::Export as i32; f.core.subject_count = 3 }, Err(&["subjects"])),
        ("a print of nobody", |_| {},
         |f| { f.core.action = Action::Print as i32; f.subjects.clear() }, Err(&["subjects"])),
        ("a download by another source", |p| p.group_only_sources = ["statistics".to_owned()].into(),
         |f| { f.core.action = Action::Download as i32; f.core.subject_count = 30 }, Err(&["subjects"])),
        ("a source of groups", |p| p.group_only_sources = ["gradebook".to_owned()].into(),
         |f| { f.core.action = Action::Download as i32; f.core.subject_count = 30 }, Ok(&[Warning::SubjectsNotListed])),
        ("a source of groups that lists nobody", |p| p.group_only_sources = ["gradebook".to_owned()].into(),
         |f| { f.core.action = Action::Export as i32; f.subjects.clear(); f.core.subject_count = 30 },
         Ok(&[Warning::SubjectsNotListed])),
        ("a source of groups that counts nobody", |p| p.group_only_sources = ["gradebook".to_owned()].into(),
         |f| { f.core.action = Action::Print as i32; f.subjects.clear() }, Err(&["subject_count"])),
        ("no source", |p| p.group_only_sources = ["gradebook".to_owned()].into(),
         |f| { f.core.action = Action::Export as i32; f.core.subject_count = 9; f.core.source_service.clear() },
         Err(&["subjects"])),
        ("a known recipient", |_| {}, |f| f.core.recipient = "Court".to_owned(), Ok(&[])),
        ("an unknown recipient", |_| {}, |f| f.core.recipient = "court".to_owned(), Ok(&[Warning::RecipientUnknown])),
        ("known to be far", |_| {}, |f| f.core.recipient = "Fair Inc.".to_owned(), Ok(&[Warning::OutsideEea])),
        ("known to be far, said to be near", |_| {},
         |f| { f.core.recipient = "Fair Inc.".to_owned(); f.core.recipient_country = "PL".to_owned() },
         Ok(&[Warning::OutsideEea])),
        ("said to be far", |_| {},
         |f| { f.core.recipient = "Court".to_owned(); f.core.recipient_country = "CH".to_owned() },
         Ok(&[Warning::OutsideEea])),
        ("unknown and far", |_| {},
         |f| { f.core.recipient = "Fairer Inc.".to_owned(); f.core.recipient_country = "US".to_owned() },
         Ok(&[Warning::RecipientUnknown, Warning::OutsideEea])),
        ("a country alone", |_| {}, |f| f.core.recipient_country = "GB".to_owned(), Ok(&[Warning::OutsideEea])),
        ("all that is wrong", |p| p.foreign_purposes = ForeignPurposes::Refuse,
         |f| { f.core.action = Action::Export as i32; f.core.purpose = Purpose::Analytics as i32; f.core.subject_count = 2 },
         Err(&["subjects", "purpose"])),
    ];

    #[test]
    fn each_rule_flags_or_refuses_what_it_is_about() {
        for (what, kind, change, wanted) in ROWS {
            let (profile, recipients) = (profile(kind), recipients());
            let event = event(1, change);
            let request = *event.request();
            let event = Rules { profile: &profile, recipients: &recipients }.apply(event);
            assert_eq!(*event.request(), request, "{what}: a retry is the same event, whatever the rules say");
            match (event.refused(), wanted) {
                ([], Ok(warnings)) => {
                    let wanted: Vec<i32> = warnings.iter().map(|warning| i32::from(*warning)).collect();
                    assert_eq!(event.core.warnings, wanted, "{what}");
                }
                (bad, Err(fields)) => {
                    assert_eq!(bad.iter().map(|bad| bad.field.as_str()).collect::<Vec<_>>(), *fields, "{what}");
                    assert!(bad.iter().all(|bad| bad.description.contains(':')), "{what}: {bad:?} names no remedy");
                }
                (found, _) => panic!("{what}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_register_has_its_ordinary_class() {
        let recipients = Recipients::default();
        for (keeper, action, class) in [
            (true, Action::Update, Class::Register),
            (false, Action::Update, Class::Access),
            (false, Action::Delete, Class::Access),
        ] {
            let profile = profile(|profile| profile.register_keeper = keeper);
            let event = event(1, |fields| {
                fields.core.action = action as i32;
                fields.choice = RetentionClass::Register;
            });
            let ruled = Rules { profile: &profile, recipients: &recipients }.apply(event);
            assert_eq!(ruled.class(), class, "{action:?}");
        }
    }

    /// An operation of more than an event can list is several, which share its id.
    #[test]
    fn parts_of_one_operation_list_their_own_subjects() {
        let (profile, recipients) = (Profile::default(), Recipients::default());
        let rules = Rules { profile: &profile, recipients: &recipients };
        for count in [1_000, 1_000, 37] {
            let part = event(count, |fields| {
                fields.core.action = Action::Export as i32;
                fields.core.operation_id = "op-7".to_owned();
            });
            assert_eq!(rules.apply(part).refused(), [], "{count}");
        }
    }
}
