//! What events must be like, as flags.

use std::net::IpAddr;

use super::args::{Action, Purpose, Reference, Time, Who};
use super::words::Word;
use crate::grpc::api::EventFilter;
use crate::model::stored::{
    ActorKind, Channel, ChildFlag, DataCategory, LegalBasis, Outcome, RetentionClass, SourceAssurance, SpecialCategory,
    SpecialLegalBasis, Warning,
};

const PEOPLE: &str = "Whose data, and who acted";
const ACT: &str = "What was done";
const DATA: &str = "To which data";
const GROUND: &str = "Why";
const WAY: &str = "From where, which way, to whom";
const RECORD: &str = "How it was recorded";
const TIME: &str = "When it happened (TIME: 2026-11-22T10:00:00Z, or 2026-11-22 for midnight UTC)";

/// Flags that narrow down; each that is given must hold, of one given several times any will do.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Whose data, for example pupil:p-204
    #[arg(long, value_name = "NS:ID", help_heading = PEOPLE)]
    subject: Option<Who>,
    /// Events about a child (a subject flagged under 13, 16 or 18); =false: all others
    #[arg(long, value_name = "true|false", help_heading = PEOPLE)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    children: Option<bool>,
    /// Subject flagged so: adult, under-13, under-16, under-18 [several: any]
    #[arg(long, value_name = "FLAG", help_heading = PEOPLE)]
    child: Vec<Word<ChildFlag>>,
    /// Events that concern at least so many people, listed or not
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true, help_heading = PEOPLE)]
    min_subjects: u32,
    /// Who acted, for example staff:t-17
    #[arg(long, value_name = "NS:ID", help_heading = PEOPLE)]
    actor: Option<Who>,
    /// In whose name somebody else acted
    #[arg(long, value_name = "NS:ID", help_heading = PEOPLE)]
    on_behalf_of: Option<Who>,
    /// What kind of actor: human, service, subject, guardian, support, ... [several: any]
    #[arg(long, value_name = "KIND", help_heading = PEOPLE)]
    actor_kind: Vec<Word<ActorKind>>,
    /// Role that the actor had [several: any]
    #[arg(long, value_name = "NAME", help_heading = PEOPLE)]
    role: Vec<String>,
    /// Organisational unit of the actor [several: any]
    #[arg(long, value_name = "NAME", help_heading = PEOPLE)]
    org_unit: Vec<String>,

    /// What was done: read, update, export, login-failed, ... [several: any]
    #[arg(long, value_name = "ACTION", help_heading = ACT)]
    action: Vec<Action>,
    /// How it ended: success, partial, denied, failure, unknown [several: any]
    #[arg(long, value_name = "OUTCOME", help_heading = ACT)]
    outcome: Vec<Word<Outcome>>,
    /// The application's own name of the operation [several: any]
    #[arg(long, value_name = "NAME", help_heading = ACT)]
    event_name: Vec<String>,
    /// All events of one operation
    #[arg(long, value_name = "ID", help_heading = ACT)]
    operation: Option<String>,
    /// The event with this id, however old it is
    #[arg(long, value_name = "UUID", help_heading = ACT)]
    event_id: Option<uuid::Uuid>,
    /// What corrects this record, for example akta.example/school-12/w0a1b2c3d:17
    #[arg(long, value_name = "ORIGIN:SEQ", help_heading = ACT)]
    corrects: Option<Reference>,
    /// What corrects any earlier record; =false: all others
    #[arg(long, value_name = "true|false", help_heading = ACT)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    corrections: Option<bool>,
    /// Emergency accesses past the usual rules; =false: all others
    #[arg(long, value_name = "true|false", help_heading = ACT)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    break_glass: Option<bool>,

    /// Class of the resource, for example pupil-card [several: any]
    #[arg(long, value_name = "TYPE", help_heading = DATA)]
    resource_type: Vec<String>,
    /// Accesses that returned or touched at least so many resources
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true, help_heading = DATA)]
    min_records: u64,
    /// Kind of personal data: education-record, contact, payment, ... [several: any]
    #[arg(long, value_name = "KIND", help_heading = DATA)]
    category: Vec<Word<DataCategory>>,
    /// Special category (GDPR art. 9, 10): health, religion-belief, criminal, ... [several: any]
    #[arg(long, value_name = "KIND", help_heading = DATA)]
    special_category: Vec<Word<SpecialCategory>>,
    /// Retention class: session, security, access, register, disclosure, ... [several: any]
    #[arg(long, value_name = "CLASS", help_heading = DATA)]
    class: Vec<Word<RetentionClass>>,

    /// Purpose that the event was reported with (not yours, which is --purpose) [several: any]
    #[arg(long, value_name = "PURPOSE", help_heading = GROUND)]
    with_purpose: Vec<Purpose>,
    /// Ticket number or purpose in words that the event was reported with
    #[arg(long, value_name = "TEXT", help_heading = GROUND)]
    with_purpose_text: Option<String>,
    /// Ground under GDPR art. 6(1): art6-1-a to art6-1-f [several: any]
    #[arg(long, value_name = "BASIS", help_heading = GROUND)]
    legal_basis: Vec<Word<LegalBasis>>,
    /// Ground under GDPR art. 9(2) or 10: art9-2-a to art9-2-j, art10 [several: any]
    #[arg(long, value_name = "BASIS", help_heading = GROUND)]
    special_legal_basis: Vec<Word<SpecialLegalBasis>>,
    /// Policy that the access was decided by [several: any]
    #[arg(long, value_name = "ID", help_heading = GROUND)]
    policy: Vec<String>,
    /// All that was done under one authorisation decision
    #[arg(long, value_name = "ID", help_heading = GROUND)]
    decision: Option<String>,

    /// Address of the end user
    #[arg(long, value_name = "IP", help_heading = WAY)]
    ip: Option<IpAddr>,
    /// Way of the access: web, mobile, api, admin-console, db-console, ... [several: any]
    #[arg(long, value_name = "CHANNEL", help_heading = WAY)]
    channel: Vec<Word<Channel>>,
    /// Reporting service [several: any]
    #[arg(long, value_name = "NAME", help_heading = WAY)]
    service: Vec<String>,
    /// Instance of the reporting service, for example a pod uid [several: any]
    #[arg(long, value_name = "ID", help_heading = WAY)]
    instance: Vec<String>,
    /// Who received the data
    #[arg(long, value_name = "NAME", help_heading = WAY)]
    recipient: Option<String>,
    /// Country of the recipient, for example PL [several: any]
    #[arg(long, value_name = "COUNTRY", help_heading = WAY)]
    recipient_country: Vec<String>,

    /// How complete the source is: native, otlp, als, import [several: any]
    #[arg(long, value_name = "WORD", help_heading = RECORD)]
    assurance: Vec<Word<SourceAssurance>>,
    /// What Akta changed or noticed: clock-skew, subjects-not-listed, ... [several: any]
    #[arg(long, value_name = "WORD", help_heading = RECORD)]
    warning: Vec<Word<Warning>>,
    /// Recorded at or after this time, whenever it happened
    #[arg(long, value_name = "TIME", help_heading = RECORD)]
    recorded_since: Option<Time>,
    /// Recorded before this time
    #[arg(long, value_name = "TIME", help_heading = RECORD)]
    recorded_until: Option<Time>,

    /// At or after this time
    #[arg(long, value_name = "TIME", help_heading = TIME)]
    since: Option<Time>,
    /// Before this time
    #[arg(long, value_name = "TIME", help_heading = TIME)]
    until: Option<Time>,
}

impl Filter {
    /// As the API says it.
    pub fn wire(&self) -> EventFilter {
        EventFilter {
            subject: self.subject.clone().map(|who| who.0),
            actor: self.actor.clone().map(|who| who.0),
            ip: self.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            actions: numbers(&self.action),
            since: self.since.map(Time::wire),
            until: self.until.map(Time::wire),
            outcomes: numbers(&self.outcome),
            purposes: numbers(&self.with_purpose),
            legal_bases: numbers(&self.legal_basis),
            categories: numbers(&self.category),
            special_categories: numbers(&self.special_category),
            resource_types: self.resource_type.clone(),
            event_names: self.event_name.clone(),
            actor_kinds: numbers(&self.actor_kind),
            roles: self.role.clone(),
            channels: numbers(&self.channel),
            source_services: self.service.clone(),
            operation_id: self.operation.clone().unwrap_or_default(),
            recipient: self.recipient.clone().unwrap_or_default(),
            break_glass: self.break_glass,
            children: self.children,
            retention_classes: numbers(&self.class),
            on_behalf_of: self.on_behalf_of.clone().map(|who| who.0),
            event_id: self.event_id.map(|id| id.to_string()).unwrap_or_default(),
            purpose_text: self.with_purpose_text.clone().unwrap_or_default(),
            special_legal_bases: numbers(&self.special_legal_basis),
            org_units: self.org_unit.clone(),
            source_instances: self.instance.clone(),
            assurances: numbers(&self.assurance),
            policy_ids: self.policy.clone(),
            decision_id: self.decision.clone().unwrap_or_default(),
            recipient_countries: self.recipient_country.clone(),
            corrects: self.corrects.clone().map(|record| record.0),
            corrections: self.corrections,
            min_record_count: self.min_records,
            min_subject_count: self.min_subjects,
            child_flags: numbers(&self.child),
            warnings: numbers(&self.warning),
            recorded_since: self.recorded_since.map(Time::wire),
            recorded_until: self.recorded_until.map(Time::wire),
        }
    }
}

fn numbers<E: Copy + Into<i32>>(words: &[Word<E>]) -> Vec<i32> {
    words.iter().map(|word| word.0.into()).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::model::stored;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        filter: Filter,
    }

    fn typed(flags: &str) -> EventFilter {
        let parsed = Typed::try_parse_from(std::iter::once("akta").chain(flags.split_whitespace()));
        parsed.unwrap_or_else(|error| panic!("{flags}: {error}")).filter.wire()
    }

    /// A flag as typed, and the field that it must set.
    type Flag = (&'static str, fn(&mut EventFilter));

    #[test]
    fn each_flag_sets_its_own_field() {
        let rows: [Flag; 44] = [
            ("--subject pupil:p-204", |f| f.subject = Some(crate::grpc::api::Identity::new("pupil", "p-204"))),
            ("--children", |f| f.children = Some(true)),
            ("--children=false", |f| f.children = Some(false)),
            ("--actor staff:t-17", |f| f.actor = Some(crate::grpc::api::Identity::new("staff", "t-17"))),
            ("--actor-kind guardian", |f| f.actor_kinds = vec![stored::ActorKind::Guardian.into()]),
            ("--role nurse --role head", |f| f.roles = vec!["nurse".into(), "head".into()]),
            ("--action read --action LOGIN_FAILED", |f| {
                f.actions = vec![stored::Action::Read.into(), stored::Action::LoginFailed.into()];
            }),
            ("--outcome denied", |f| f.outcomes = vec![stored::Outcome::Denied.into()]),
            ("--event-name card.read", |f| f.event_names = vec!["card.read".into()]),
            ("--operation op-7", |f| f.operation_id = "op-7".into()),
            ("--break-glass", |f| f.break_glass = Some(true)),
            ("--break-glass=false", |f| f.break_glass = Some(false)),
            ("--resource-type pupil-card", |f| f.resource_types = vec!["pupil-card".into()]),
            ("--category contact", |f| f.categories = vec![stored::DataCategory::Contact.into()]),
            ("--special-category health", |f| f.special_categories = vec![stored::SpecialCategory::Health.into()]),
            ("--class disclosure", |f| f.retention_classes = vec![stored::RetentionClass::Disclosure.into()]),
            ("--with-purpose billing", |f| f.purposes = vec![stored::Purpose::Billing.into()]),
            ("--legal-basis art6-1-c", |f| f.legal_bases = vec![stored::LegalBasis::Art61C.into()]),
            ("--ip 2001:DB8::7", |f| f.ip = "2001:db8::7".into()),
            ("--channel db-console", |f| f.channels = vec![stored::Channel::DbConsole.into()]),
            ("--service gradebook", |f| f.source_services = vec!["gradebook".into()]),
            ("--recipient court", |f| f.recipient = "court".into()),
            ("--since 1970-01-02", |f| f.since = Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 })),
            ("--until 1970-01-02", |f| f.until = Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 })),
            ("--on-behalf-of staff:t-3", |f| f.on_behalf_of = Some(crate::grpc::api::Identity::new("staff", "t-3"))),
            ("--child under-16 --child UNDER_18", |f| {
                f.child_flags = vec![stored::ChildFlag::Under16.into(), stored::ChildFlag::Under18.into()];
            }),
            ("--min-subjects 30", |f| f.min_subject_count = 30),
            ("--min-records 1000", |f| f.min_record_count = 1_000),
            ("--org-unit 4b", |f| f.org_units = vec!["4b".into()]),
            ("--event-id 0198C3B2-7d1e-7cc3-98c4-dc0c0c07398f", |f| {
                f.event_id = "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f".into();
            }),
            ("--corrects akta.dev/school-12/w1:17", |f| {
                let origin = "akta.dev/school-12/w1".into();
                f.corrects = Some(crate::grpc::api::RecordReference { origin, seq: 17 });
            }),
            ("--corrections", |f| f.corrections = Some(true)),
            ("--corrections=false", |f| f.corrections = Some(false)),
            ("--with-purpose-text T-1", |f| f.purpose_text = "T-1".into()),
            ("--special-legal-basis art9-2-h", |f| {
                f.special_legal_bases = vec![stored::SpecialLegalBasis::Art92H.into()];
            }),
            ("--policy rbac/7", |f| f.policy_ids = vec!["rbac/7".into()]),
            ("--decision d-1", |f| f.decision_id = "d-1".into()),
            ("--instance pod-1", |f| f.source_instances = vec!["pod-1".into()]),
            ("--recipient-country PL", |f| f.recipient_countries = vec!["PL".into()]),
            ("--assurance import", |f| f.assurances = vec![stored::SourceAssurance::Import.into()]),
            ("--warning clock-skew", |f| f.warnings = vec![stored::Warning::ClockSkew.into()]),
            ("--recorded-since 1970-01-02", |f| {
                f.recorded_since = Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 });
            }),
            ("--recorded-until 1970-01-02", |f| {
                f.recorded_until = Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 });
            }),
            ("", |_| {}),
        ];
        for (flags, set) in rows {
            let mut wanted = EventFilter::default();
            set(&mut wanted);
            assert_eq!(typed(flags), wanted, "{flags}");
        }
    }
}
