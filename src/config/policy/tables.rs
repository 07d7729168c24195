//! From the tables of a policy file to its policy: every field is checked, every refusal has its line.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use toml::Spanned;

use super::form;
use crate::config::line_of;
use crate::model::check::{Checker, Violation};
use crate::model::permission::holder::Holder;
use crate::model::permission::issuer::{Issuer, Keys, is_trustworthy};
use crate::model::permission::policy::{Entry, Policy, Staff};
use crate::model::permission::scope::Scope;
use crate::model::spiffe::SpiffeId;

/// Longest name of a person, group or audience, in bytes; OpenID Connect allows a subject that much.
const NAME_BYTES_MAX: usize = 255;
/// Longest name of a service, as of a source in an event, and longest title, in bytes.
const SERVICE_BYTES_MAX: usize = 64;

/// The policy of a file; what was refused is missing from it.
pub(super) fn policy(file: form::File, text: &str, folder: &Path, checker: &mut Checker) -> Policy {
    let title = file.contact_title.map(|title| checker.required_text("contact_title", title, SERVICE_BYTES_MAX));
    let mut tables = Tables { text, checker, known: Known::default() };
    let issuers = tables.each("issuer", file.issuer, |table, _, known, checker| issuer(table, folder, known, checker));
    let mut entries = tables.each("workload", file.workload, workload);
    entries.extend(tables.each("person", file.person, person));
    // Every holder's issuer was looked up among these.
    Policy::new(entries, issuers, title).unwrap_or_default()
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
