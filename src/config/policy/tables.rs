//! From the tables of a policy file to its rules: every field is checked, every refusal has its line.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;

use super::{Rules, form};
use crate::config::line_of;
use crate::model::check::{Checker, Violation};
use crate::model::date::Timestamp;
use crate::model::origin::{Controller, is_name};
use crate::model::permission::approval::LoneChoice;
use crate::model::permission::grants::{Act, GRANT_MAX, GROUND_BYTES_MAX, Grant, Grants, INCIDENT_MAX, Incident, Span};
use crate::model::permission::holder::Holder;
use crate::model::permission::issuer::{Issuer, Keys, is_trustworthy};
use crate::model::permission::policy::{Entry, Policy, Staff};
use crate::model::permission::scope::Scope;
use crate::model::spiffe::SpiffeId;

/// Longest name of a person, group or audience, in bytes; OpenID Connect allows a subject that much.
const NAME_BYTES_MAX: usize = 255;
/// Longest name of a service, as of a source in an event, and longest title, in bytes.
const SERVICE_BYTES_MAX: usize = 64;

/// The rules of a file; what was refused is missing from them.
pub(super) fn rules(file: form::File, text: &str, folder: &Path, checker: &mut Checker) -> Rules {
    let title = file.contact_title.map(|title| checker.required_text("contact_title", title, SERVICE_BYTES_MAX));
    let mut tables = Tables { text, checker, known: Known::default() };
    let issuers = tables.each("issuer", file.issuer, |table, _, known, checker| issuer(table, folder, known, checker));
    let mut entries = tables.each("workload", file.workload, workload);
    entries.extend(tables.each("person", file.person, person));
    let grants = tables.each("grant", file.grant, grant);
    let incidents = tables.each("incident", file.incident, incident);
    let lone_choices = tables.each("lone_approver", file.lone_approver, lone_choice);
    // Every holder's issuer was looked up among these.
    let policy = Policy::new(entries, issuers, title).unwrap_or_default();
    Rules { policy, grants: Grants { grants, incidents }, lone_choices }
}

/// The tables of one file, one kind after the other.
struct Tables<'a> {
    text: &'a str,
    checker: &'a mut Checker,
    known: Known,
}

/// What tables before have named.
#[derive(Default)]
struct Known {
    issuers: BTreeSet<String>,
    ids: BTreeSet<String>,
    lone: BTreeSet<Controller>,
}

impl Tables<'_> {
    /// Takes each table of a kind with what it is called, "person, line 31".
    fn each<T, U>(
        &mut self,
        kind: &str,
        tables: Vec<Spanned<T>>,
        take: impl Fn(T, &str, &mut Known, &mut Checker) -> Option<U>,
    ) -> Vec<U> {
        let mut taken = Vec::with_capacity(tables.len());
        for table in tables {
            let line = line_of(self.text, table.span().start);
            let name = format!("{kind}, line {line}");
            let known = &mut self.known;
            let found = self
                .checker
                .within(format!("line {line}: {kind}"), |checker| take(table.into_inner(), &name, known, checker));
            taken.extend(found);
        }
        taken
    }
}

fn issuer(table: form::Issuer, folder: &Path, known: &mut Known, checker: &mut Checker) -> Option<Issuer> {
    const ADDRESS: &str = "must be an https address without user, query or fragment (http on this machine only), \
                           at most 200 bytes";
    let mut address = |field, url: &String| {
        if !is_trustworthy(url) {
            checker.refuse(field, ADDRESS);
        }
    };
    address("url", &table.url);
    table.jwks_url.iter().for_each(|url| address("jwks_url", url));
    if !known.issuers.insert(table.url.clone()) {
        checker.refuse("url", "has such a table already: keep one of them");
    }
    let audience = checker.required_text("audience", table.audience, NAME_BYTES_MAX);
    let algorithms = words("algorithms", &table.algorithms, checker);
    let keys = match (table.jwks_file, table.jwks_url) {
        (Some(file), None) if !file.is_empty() => Some(Keys::File(folder.join(file))),
        (None, Some(url)) => Some(Keys::Url(url)),
        _ => {
            checker.refuse("jwks_file", "is required, or jwks_url instead: where the issuer's public keys are");
            None
        }
    };
    Some(Issuer { url: table.url, audience, keys: keys?, algorithms: algorithms.into_iter().collect() })
}

fn workload(table: form::Workload, name: &str, _: &mut Known, checker: &mut Checker) -> Option<Entry> {
    let holder = match (table.spiffe, table.uid) {
        (Some(id), None) => spiffe(&id, checker),
        (None, Some(uid)) => Some(Holder::Socket(uid)),
        _ => {
            checker.refuse("spiffe", "is required, or uid instead: by which the service is known");
            None
        }
    };
    let staff = table.staff.map_or(Some(Staff::Processor), |word| staff(&word, checker));
    entry(name, holder, staff, &table.controllers, &table.roles, table.service, checker)
}

fn person(table: form::Person, name: &str, known: &mut Known, checker: &mut Checker) -> Option<Entry> {
    let holder = bearer(table.issuer, table.subject, table.group, known, checker);
    let staff = staff(&table.staff, checker);
    entry(name, holder, staff, &table.controllers, &table.roles, table.service, checker)
}

fn entry(
    name: &str,
    holder: Option<Holder>,
    staff: Option<Staff>,
    controllers: &[String],
    roles: &[String],
    service: Option<String>,
    checker: &mut Checker,
) -> Option<Entry> {
    let scope = scope(controllers, checker);
    let roles = words("roles", roles, checker);
    let service = service.map(|service| checker.required_text("service", service, SERVICE_BYTES_MAX));
    if roles.is_empty() {
        // It was said.
        return None;
    }
    or_refuse(Entry::new(name, holder?, staff?, scope?, roles, service), checker)
}

fn grant(table: form::Grant, _: &str, known: &mut Known, checker: &mut Checker) -> Option<Grant> {
    let act = act(table.id, table.ground, ("given_by", table.given_by), known, checker);
    let span = span(&table.from, &table.until, GRANT_MAX, "366 days", checker);
    let controller = controller(&table.controller, checker);
    let holder = match (table.issuer, table.spiffe, table.uid) {
        (Some(issuer), None, None) => bearer(issuer, table.subject, table.group, known, checker),
        (None, Some(id), None) if table.subject.is_none() && table.group.is_none() => spiffe(&id, checker),
        (None, None, Some(uid)) if table.subject.is_none() && table.group.is_none() => Some(Holder::Socket(uid)),
        _ => {
            checker
                .refuse("issuer", "is required with subject or group, or spiffe or uid instead: to whom it is given");
            None
        }
    };
    let permissions = words("permissions", &table.permissions, checker);
    if permissions.is_empty() {
        return None;
    }
    or_refuse(Grant::new(act(span?), controller?, holder?, permissions), checker)
}

fn incident(table: form::Incident, _: &str, known: &mut Known, checker: &mut Checker) -> Option<Incident> {
    let act = act(table.id, table.ground, ("opened_by", table.opened_by), known, checker);
    let span = span(&table.from, &table.until, INCIDENT_MAX, "7 days", checker);
    let scope = scope(&table.controllers, checker);
    Some(Incident { act: act(span?), scope: scope? })
}

fn lone_choice(table: form::LoneApprover, _: &str, known: &mut Known, checker: &mut Checker) -> Option<LoneChoice> {
    let by = checker.required_text("chosen_by", table.chosen_by, NAME_BYTES_MAX);
    let since = time("since", &table.since, checker);
    let controller = controller(&table.controller, checker)?;
    if !known.lone.insert(controller.clone()) {
        checker.refuse("controller", "has such a table already: keep one of them");
    }
    Some(LoneChoice { controller, by, since: since? })
}

/// What grants and incidents have in common, but for their time.
fn act(
    id: String,
    ground: String,
    (field, by): (&str, String),
    known: &mut Known,
    checker: &mut Checker,
) -> impl FnOnce(Span) -> Act + use<> {
    if !is_name(&id) {
        checker.refuse("id", "must be 1 to 63 of a-z 0-9 . _ -");
    } else if !known.ids.insert(id.clone()) {
        checker.refuse("id", "is taken by another grant or incident: give it one of its own");
    }
    let ground = checker.required_text("ground", ground, GROUND_BYTES_MAX);
    let by = checker.required_text(field, by, NAME_BYTES_MAX);
    move |span| Act { id: id.into(), ground, by, span }
}

fn span(from: &form::Time, until: &form::Time, longest: Duration, words: &str, checker: &mut Checker) -> Option<Span> {
    let (from, until) = (time("from", from, checker), time("until", until, checker));
    let span = Span::new(from?, until?, longest);
    if span.is_none() {
        checker.refuse("until", format!("must be after from, and at most {words} later"));
    }
    span
}

fn time(field: &str, time: &form::Time, checker: &mut Checker) -> Option<Timestamp> {
    let time = match time {
        form::Time::Native(time) => Timestamp::parse(&time.to_string()),
        form::Time::Text(text) => Timestamp::parse(text),
    };
    if time.is_none() {
        checker.refuse(field, "must be a time with its offset, 2026-11-22T10:00:00Z, or a date (midnight UTC)");
    }
    time
}

/// Whoever bears a token of that issuer for that subject or group.
fn bearer(
    issuer: String,
    subject: Option<String>,
    group: Option<String>,
    known: &Known,
    checker: &mut Checker,
) -> Option<Holder> {
    if !known.issuers.contains(&issuer) {
        checker.refuse("issuer", "is the url of no [[issuer]] of this file: add one, or mend the url");
    }
    match (subject, group) {
        (Some(subject), None) => {
            Some(Holder::Subject { issuer, subject: checker.required_text("subject", subject, NAME_BYTES_MAX) })
        }
        (None, Some(group)) => {
            Some(Holder::Group { issuer, group: checker.required_text("group", group, NAME_BYTES_MAX) })
        }
        _ => {
            checker.refuse("subject", "is required, or group instead: who is meant");
            None
        }
    }
}

fn spiffe(id: &str, checker: &mut Checker) -> Option<Holder> {
    match SpiffeId::parse(id) {
        Ok(id) if id.is_workload() => Some(Holder::Workload(id)),
        Ok(_) => {
            checker.refuse("spiffe", "names a trust domain: add the path of the workload");
            None
        }
        Err(why) => {
            checker.refuse("spiffe", why.to_string());
            None
        }
    }
}

fn staff(word: &str, checker: &mut Checker) -> Option<Staff> {
    let found = [Staff::Controller, Staff::Processor].into_iter().find(|staff| staff.word() == word);
    if found.is_none() {
        checker.refuse("staff", "must be \"controller\" or \"processor\"");
    }
    found
}

fn controller(name: &str, checker: &mut Checker) -> Option<Controller> {
    let found = Controller::new(name);
    if found.is_none() {
        checker.refuse("controller", "must be 1 to 63 of a-z 0-9 . _ -");
    }
    found
}

fn scope(names: &[String], checker: &mut Checker) -> Option<Scope> {
    let found = Scope::parse(names.iter().map(String::as_str));
    if found.is_none() {
        checker.refuse("controllers", "must be names of 1 to 63 of a-z 0-9 . _ -, or \"*\" alone");
    }
    found
}

/// Known words, one or more; each once.
fn words<T: FromStr<Err: Display> + Ord>(field: &str, words: &[String], checker: &mut Checker) -> BTreeSet<T> {
    if words.is_empty() {
        checker.refuse(field, "is empty: give at least one");
    }
    let mut found = BTreeSet::new();
    for (place, word) in words.iter().enumerate() {
        match word.parse::<T>() {
            Ok(word) => {
                found.insert(word);
            }
            Err(why) => checker.refuse(&format!("{field}[{place}]"), why.to_string()),
        }
    }
    found
}

fn or_refuse<T>(made: Result<T, Violation>, checker: &mut Checker) -> Option<T> {
    made.map_err(|Violation { field, description }| checker.refuse(&field, description)).ok()
}
