//! What events must be like, as flags.

use std::net::IpAddr;

use super::args::{Action, Purpose, Time, Who};
use super::words::Word;
use crate::grpc::api::EventFilter;
use crate::model::stored::{ActorKind, Channel, DataCategory, LegalBasis, Outcome, RetentionClass, SpecialCategory};

const PEOPLE: &str = "Whose data, and who acted";
const ACT: &str = "What was done";
const DATA: &str = "To which data";
const GROUND: &str = "Why";
const WAY: &str = "From where, which way, to whom";
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
    /// Who acted, for example staff:t-17
    #[arg(long, value_name = "NS:ID", help_heading = PEOPLE)]
    actor: Option<Who>,
    /// What kind of actor: human, service, subject, guardian, support, ... [several: any]
    #[arg(long, value_name = "KIND", help_heading = PEOPLE)]
    actor_kind: Vec<Word<ActorKind>>,
    /// Role that the actor had [several: any]
    #[arg(long, value_name = "NAME", help_heading = PEOPLE)]
    role: Vec<String>,

    /// What was done: read, update, export, login-failed, ... [several: any]
    #[arg(long, value_name = "ACTION", help_heading = ACT)]
    action: Vec<Action>,
    /// How it ended: success, partial, denied, failure, unknown [several: any]
    #[arg(long, value_name = "OUTCOME", help_heading = ACT)]
    outcome: Vec<Word<Outcome>>,
    /// The application's own name of it [several: any]
    #[arg(long, value_name = "NAME", help_heading = ACT)]
    event_name: Vec<String>,
    /// All events of one operation
    #[arg(long, value_name = "ID", help_heading = ACT)]
    operation: Option<String>,
    /// Emergency accesses past the usual rules; =false: all others
    #[arg(long, value_name = "true|false", help_heading = ACT)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    break_glass: Option<bool>,

    /// Class of the resource, for example pupil-card [several: any]
    #[arg(long, value_name = "TYPE", help_heading = DATA)]
    resource_type: Vec<String>,
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
    /// Ground under GDPR art. 6(1): art6-1-a to art6-1-f [several: any]
    #[arg(long, value_name = "BASIS", help_heading = GROUND)]
    legal_basis: Vec<Word<LegalBasis>>,

    /// Address of the end user
    #[arg(long, value_name = "IP", help_heading = WAY)]
    ip: Option<IpAddr>,
    /// Way of the access: web, mobile, api, admin-console, db-console, ... [several: any]
    #[arg(long, value_name = "CHANNEL", help_heading = WAY)]
    channel: Vec<Word<Channel>>,
    /// Reporting service [several: any]
    #[arg(long, value_name = "NAME", help_heading = WAY)]
    service: Vec<String>,
    /// Who received the data
    #[arg(long, value_name = "NAME", help_heading = WAY)]
    recipient: Option<String>,

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
        let rows: [Flag; 25] = [
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
            ("", |_| {}),
        ];
        for (flags, set) in rows {
            let mut wanted = EventFilter::default();
            set(&mut wanted);
            assert_eq!(typed(flags), wanted, "{flags}");
        }
    }
}
