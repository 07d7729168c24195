//! The secretary's office, the psychologist, the vendor's support and the money.

use super::act::{Act, Service};
use super::cast::{ACCOUNTANT, CLASSES, PSYCHOLOGIST, PUPIL, Person, SECRETARY};
use super::school::DESKTOP;
use crate::cli::random::Random;
use crate::grpc::api::{Disclosure, Export};
use crate::model::stored::{
    Action, Channel, DataCategory, ExportFormat, LegalBasis, Purpose, RetentionClass, SpecialCategory,
};

/// Cards, a certificate, a class list; opinions; a support case.
pub fn morning(acts: &mut Vec<Act>, random: &mut Random) {
    let secretary = Person::staff(SECRETARY);
    let desk = |minute, action, pupils: &[String], kind| {
        let act = Act::new(Service::Office, minute, &secretary, action);
        act.about(pupils, kind, Purpose::SchoolAdministration).from("10.12.0.15", DESKTOP)
    };
    for index in 0..9 {
        let pupil = [CLASSES[index % 3].pupil(random.small(18) + 4)];
        let minute = 20 + random.small(300);
        acts.push(desk(minute, Action::Read, &pupil, DataCategory::Contact).named("card.show").on(
            "pupil-card",
            &pupil[0],
            &[],
        ));
        if index % 4 == 0 {
            acts.push(
                desk(minute + 2, Action::Update, &pupil, DataCategory::Contact)
                    .named("card.change")
                    .on("pupil-card", &pupil[0], &["telephone"])
                    .kept(RetentionClass::Register),
            );
        }
    }
    for (minute, pupil) in [(95, "p-312"), (260, "p-107")] {
        let pupil = [pupil.to_owned()];
        let certificate = desk(minute, Action::Print, &pupil, DataCategory::EducationRecord);
        acts.push(certificate.named("certificate.print").on("certificate", &pupil[0], &[]));
    }
    let class = CLASSES[1];
    let list = desk(310, Action::Export, &class.pupils(), DataCategory::Identity);
    acts.push(list.named("class-list.export").on("class-list", class.name, &["name", "birth-date"]).with(|event| {
        let sha256 = vec![0x6b; 32];
        event.export = Some(Export { format: ExportFormat::Spreadsheet as i32, bytes: 18_432, sha256 });
    }));

    let psychologist = Person::staff(PSYCHOLOGIST);
    for (minute, pupil) in [(130, PUPIL), (205, "p-115"), (280, "p-309")] {
        acts.push(opinion(minute, &psychologist, pupil, Purpose::SchoolAdministration).from("10.12.0.14", DESKTOP));
    }
    let guardian = Person::guardian_of("p-117");
    let support = Act::new(Service::Portal, 355, &Person::support(), Action::Read).about(
        &[],
        DataCategory::Account,
        Purpose::SupportTicket,
    );
    acts.push(
        support
            .and_about(&guardian)
            .named("account.show")
            .on("account", &guardian.id, &[])
            .with(|event| {
                event.purpose_text = "HD-48213".to_owned();
                event.channel = Channel::SupportTool as i32;
            })
            .from("192.0.2.40", "support-console/3"),
    );
}

/// Somebody opens a psychological opinion.
pub fn opinion(minute: u32, who: &Person, pupil: &str, why: Purpose) -> Act {
    Act::new(Service::Office, minute, who, Action::Read)
        .about(&[pupil.to_owned()], DataCategory::PsychoPedagogical, why)
        .named("opinion.show")
        .on("psych-opinion", pupil, &[])
        .with(|event| event.special_categories = vec![SpecialCategory::Health as i32])
}

/// Guardians pay for meals, the accountant looks, two payments go to PayU.
pub fn payments(acts: &mut Vec<Act>, random: &mut Random) {
    let service = Person::payments();
    for index in 0..9 {
        let pupil = [CLASSES[index % 3].pupil(random.small(18) + 4)];
        let guardian = Person::guardian_of(&pupil[0]);
        let minute = 60 + random.small(380);
        let id = format!("pay-{}", 10_000 + random.small(90_000));
        acts.push(
            Act::new(Service::Payments, minute, &guardian, Action::Create)
                .about(&pupil, DataCategory::Payment, Purpose::Billing)
                .named("payment.order")
                .on("payment", &id, &["amount"])
                .kept(RetentionClass::Accounting),
        );
        if index < 2 {
            let sent = Act::new(Service::Payments, minute + 1, &service, Action::Disclose)
                .about(&[], DataCategory::Payment, Purpose::Billing)
                .and_about(&guardian)
                .named("payment.send")
                .on("payment", &id, &["name", "e-mail", "amount"]);
            acts.push(sent.with(|event| {
                event.disclosure = Some(Disclosure { recipient: "PayU S.A.".to_owned(), country: "PL".to_owned() });
                event.legal_basis = LegalBasis::Art61B as i32;
                event.channel = Channel::Api as i32;
            }));
        }
    }
    let unpaid = Act::new(Service::Payments, 330, &Person::staff(ACCOUNTANT), Action::List)
        .about(&CLASSES[0].pupils(), DataCategory::Payment, Purpose::Billing)
        .named("payments.open");
    acts.push(unpaid.on("payments", CLASSES[0].name, &["amount"]).from("10.12.0.16", DESKTOP));
}
