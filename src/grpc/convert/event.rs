//! `akta.v1.Event` to a checked event: every field on its own here, fields together in the model.

use super::super::api;
use super::{ORIGIN, controller, identity, ip_bytes, timestamp, uuid};
use crate::model::check::{Checker, Violation};
use crate::model::event::{Event, Fields, SUBJECTS_MAX, Session, Subject};
use crate::model::origin::{Controller, Origin};
use crate::model::secret_name::secret_in;
use crate::model::stored::{
    Action, ActorKind, Attribute, AuthMethod, Channel, ChildFlag, Core, DataCategory, DetailPart, ExportFormat,
    LegalBasis, NetPart, Outcome, Purpose, RetentionClass, SourceAssurance, SpecialCategory, SpecialLegalBasis,
    Warning,
};

const USER_AGENT_MAX: usize = 512;
const FORWARDED_FOR_MAX: usize = 512;
const TRACE_ID_MAX: usize = 16;
const REQUEST_ID_MAX: usize = 64;
const SESSION_MAX: usize = 4_096;

/// The checked event of a message and its controller, or everything that is wrong with it.
pub fn event(message: Option<api::Event>) -> Result<(Controller, Event), Vec<Violation>> {
    let mut checker = Checker::default();
    let Some(message) = message else {
        checker.refuse("event", "is required");
        return checker.finish(()).and_then(|()| Err(Vec::new()));
    };
    let controller = controller(message.controller.clone(), &mut checker);
    let fields = fields(message, &mut checker);
    let event = fields.check(checker)?;
    controller.map(|controller| (controller, event)).ok_or_else(Vec::new)
}

/// Bytes of a message that will be cut because end users control them: they do not count against its size.
pub fn cut_bytes(message: &api::Event) -> usize {
    let over = |bytes: &[u8], max: usize| bytes.len().saturating_sub(max);
    let session = message.session.as_ref().map_or(0, |session| over(&session.id, SESSION_MAX));
    let net = message.network.as_ref().map_or(0, |net| {
        over(&net.forwarded_for, FORWARDED_FOR_MAX)
            + over(&net.user_agent, USER_AGENT_MAX)
            + over(&net.trace_id, TRACE_ID_MAX)
            + over(&net.request_id, REQUEST_ID_MAX)
    });
    session + net
}

/// What Akta changed or noticed while it took the message apart.
#[derive(Default)]
struct Warnings(Vec<i32>);

impl Warnings {
    fn add(&mut self, warning: Warning) {
        if !self.0.contains(&(warning as i32)) {
            self.0.push(warning as i32);
        }
    }

    /// An enum's number: kept as it is, with a warning if this version does not know it.
    fn number<E: TryFrom<i32>>(&mut self, number: i32) -> i32 {
        if E::try_from(number).is_err() {
            self.add(Warning::UnknownValue);
        }
        number
    }

    /// A set of enum numbers: ascending, each once, 0 refused.
    fn set<E: TryFrom<i32>>(&mut self, field: &str, mut numbers: Vec<i32>, checker: &mut Checker) -> Vec<i32> {
        numbers.sort_unstable();
        numbers.dedup();
        let numbers = checker.list(field, numbers, 64);
        if numbers.contains(&0) {
            checker.refuse(field, "holds UNSPECIFIED: name the kind of data, or leave it out");
        }
        numbers.into_iter().map(|number| self.number::<E>(number)).collect()
    }

    /// What the end user controls is cut, never refused: nobody may keep himself out of the log.
    fn cut(&mut self, mut bytes: Vec<u8>, max: usize, warning: Warning) -> Vec<u8> {
        if bytes.len() > max {
            bytes.truncate(max);
            self.add(warning);
        }
        bytes
    }
}

fn fields(message: api::Event, checker: &mut Checker) -> Fields {
    let mut warnings = Warnings::default();
    let given = message.occurred_at.is_some();
    let occurred_at = timestamp("occurred_at", message.occurred_at, checker);
    let actor = message.actor.unwrap_or_default();
    let resource = message.resource.unwrap_or_default();
    let source = message.source.unwrap_or_default();
    let authorization = message.authorization.unwrap_or_default();
    let disclosure = message.disclosure.unwrap_or_default();
    let corrects = message.corrects.unwrap_or_default();
    if !corrects.origin.is_empty() && Origin::parse(&corrects.origin).is_none() {
        checker.refuse("corrects.origin", ORIGIN);
    }

    let mut core = Core {
        event_id: uuid("event_id", &message.event_id, checker).to_vec(),
        occurred_at: occurred_at.unwrap_or_default().nanos(),
        action: warnings.number::<Action>(message.action),
        event_name: checker.plain("event_name", message.event_name, 128),
        outcome: warnings.number::<Outcome>(message.outcome),
        purpose: warnings.number::<Purpose>(message.purpose),
        purpose_text: checker.text("purpose_text", message.purpose_text, 64),
        legal_basis: warnings.number::<LegalBasis>(message.legal_basis),
        special_legal_basis: warnings.number::<SpecialLegalBasis>(message.special_legal_basis),
        categories: warnings.set::<DataCategory>("categories", message.categories, checker),
        special_categories: warnings.set::<SpecialCategory>("special_categories", message.special_categories, checker),
        resource_type: checker.plain("resource.type", resource.r#type, 64),
        record_count: message.record_count,
        subject_count: message.subject_count,
        actor_kind: warnings.number::<ActorKind>(actor.kind),
        actor_roles: texts("actor.roles", actor.roles, 8, checker),
        actor_org_unit: checker.plain("actor.org_unit", actor.org_unit, 64),
        channel: warnings.number::<Channel>(message.channel),
        source_service: checker.plain("source.service", source.service, 64),
        source_instance: checker.plain("source.instance", source.instance, 64),
        source_assurance: assurance(source.assurance, checker),
        policy_id: checker.plain("authorization.policy_id", authorization.policy_id, 64),
        decision_id: checker.plain("authorization.decision_id", authorization.decision_id, 64),
        break_glass: message.break_glass.is_some(),
        recipient: checker.plain("disclosure.recipient", disclosure.recipient, 128),
        recipient_country: checker.text("disclosure.country", disclosure.country, 64),
        operation_id: checker.plain("operation_id", message.operation_id, 64),
        corrects_origin: corrects.origin,
        corrects_seq: corrects.seq,
        ..Core::default()
    };

    let detail = DetailPart {
        resource_id: checker.text("resource.id", resource.id, 128),
        fields: texts("resource.fields", resource.fields, 32, checker),
        outcome_reason: checker.text("outcome_reason", message.outcome_reason, 256),
        break_glass_reason: message
            .break_glass
            .map(|glass| checker.required_text("break_glass.reason", glass.reason, 256))
            .unwrap_or_default(),
        attributes: attributes(message.attributes, checker),
        ..DetailPart::default()
    };
    let detail = with_change(with_export(detail, message.export, &mut warnings, checker), message.change, checker);

    let fields = Fields {
        occurred_at_given: given,
        actor: actor.identity.map(|who| checker.within("actor.identity", |checker| identity(who, checker))),
        on_behalf_of: actor
            .on_behalf_of
            .map(|who| checker.within("actor.on_behalf_of", |checker| identity(who, checker))),
        subjects: subjects(message.subjects, &mut warnings, checker),
        net: message.network.map(|network| net(network, &mut warnings, checker)),
        session: message.session.map(|session| Session {
            id: warnings.cut(session.id, SESSION_MAX, Warning::SessionCut),
            auth_method: warnings.number::<AuthMethod>(session.auth_method),
            mfa: session.mfa,
        }),
        detail: (detail != DetailPart::default()).then_some(detail),
        choice: RetentionClass::try_from(message.retention_class).unwrap_or(RetentionClass::Ledger),
        core: Core::default(),
    };
    core.warnings = warnings.0;
    Fields { core, ..fields }
}

fn assurance(number: i32, checker: &mut Checker) -> i32 {
    match SourceAssurance::try_from(number) {
        Ok(SourceAssurance::Unspecified | SourceAssurance::Native) => SourceAssurance::Native as i32,
        Ok(SourceAssurance::Import) => number,
        Ok(SourceAssurance::Otlp | SourceAssurance::Als) | Err(_) => {
            checker.refuse("source.assurance", "may only be IMPORT; leave it out for events reported as they happen");
            number
        }
    }
}

fn subjects(listed: Vec<api::Subject>, warnings: &mut Warnings, checker: &mut Checker) -> Vec<Subject> {
    let listed = checker.list("subjects", listed, SUBJECTS_MAX);
    listed
        .into_iter()
        .enumerate()
        .map(|(index, subject)| {
            checker.within(format_args!("subjects[{index}].identity"), |checker| Subject {
                identity: identity(subject.identity.unwrap_or_default(), checker),
                child: warnings.number::<ChildFlag>(subject.child),
            })
        })
        .collect()
}

fn net(network: api::Network, warnings: &mut Warnings, checker: &mut Checker) -> NetPart {
    NetPart {
        ip: ip_bytes("network.ip", &network.ip, checker),
        forwarded_for: warnings.cut(network.forwarded_for, FORWARDED_FOR_MAX, Warning::ForwardedForCut),
        user_agent: warnings.cut(network.user_agent, USER_AGENT_MAX, Warning::UserAgentCut),
        trace_id: warnings.cut(network.trace_id, TRACE_ID_MAX, Warning::TraceIdCut),
        request_id: warnings.cut(network.request_id, REQUEST_ID_MAX, Warning::RequestIdCut),
    }
}

fn with_export(
    detail: DetailPart,
    export: Option<api::Export>,
    warnings: &mut Warnings,
    checker: &mut Checker,
) -> DetailPart {
    let Some(export) = export else { return detail };
    DetailPart {
        export_format: warnings.number::<ExportFormat>(export.format),
        export_bytes: export.bytes,
        export_sha256: checker.hash("export.sha256", export.sha256),
        ..detail
    }
}

fn with_change(detail: DetailPart, change: Option<api::Change>, checker: &mut Checker) -> DetailPart {
    let Some(change) = change else { return detail };
    DetailPart {
        hash_before: checker.hash("change.hash_before", change.hash_before),
        hash_after: checker.hash("change.hash_after", change.hash_after),
        ..detail
    }
}

fn texts(field: &str, values: Vec<String>, max: usize, checker: &mut Checker) -> Vec<String> {
    let values = checker.list(field, values, max);
    (0..)
        .zip(values)
        .map(|(index, value): (usize, String)| {
            checker.within(format_args!("{field}[{index}]"), |checker| checker.required_plain("", value, 64))
        })
        .collect()
}

fn attributes(attributes: std::collections::BTreeMap<String, String>, checker: &mut Checker) -> Vec<Attribute> {
    if attributes.len() > 50 {
        checker.refuse("attributes", format!("has {} entries, the limit is 50: report fewer", attributes.len()));
        return Vec::new();
    }
    attributes
        .into_iter()
        .map(|(key, value)| {
            if let Some(secret) = secret_in(&key) {
                checker.refuse("attributes", format!("a name contains \"{secret}\": never report secrets"));
            }
            Attribute {
                key: checker.required_plain("attributes.key", key, 64),
                value: checker.text("attributes.value", value, 512),
            }
        })
        .collect()
}
