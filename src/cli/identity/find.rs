//! `akta identity find`: who somebody is, and how they stand.

use serde_json::{Value, json};

use crate::cli::args::{Ground, Target, Who};
use crate::cli::text::{Listing, complain};
use crate::cli::words::Vocabulary;
use crate::cli::{Failure, Outcome, block_on};
use crate::client::reason;
use crate::grpc::api::find_identities_request::Wanted;
use crate::grpc::api::{FindIdentitiesRequest, IdentityDomain, Person};
use crate::model::date::Date;

/// Find people: by id, by name, by e-mail address
///
/// Permission: search, with names: not in an incident. Of names and addresses a part will do, in capitals or
/// not, of at least 3 characters. At most 100 are shown. It states a purpose and is recorded, as a search;
/// what was looked for is not. Exit status 1 if nobody is found.
///
///   akta identity find staff:t-17 --controller school-1 --purpose subject-rights
///   akta identity find --name kowalska --controller school-1 --purpose subject-rights --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[group(id = "wanted", required = true, multiple = false, args = ["who", "name", "email"])]
pub(super) struct Args {
    /// Who, by namespace and id
    #[arg(value_name = "NS:ID")]
    who: Option<Who>,
    /// Or: a name or a part of it
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Or: an e-mail address or a part of it
    #[arg(long, value_name = "TEXT")]
    email: Option<String>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    ground: Ground,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

/// Somebody, on a day.
struct Row {
    person: Person,
    today: Option<Date>,
}

const LISTING: Listing<'_, Row> =
    Listing { head: &["WHO", "NAME", "E-MAIL", "NAME AND E-MAIL GO", "RESTRICTED", "IN RECORDS OF"], row, object };

pub(super) fn run(args: Args) -> Result<Outcome, Failure> {
    let Args { who, name, email, target, ground, json } = args;
    let wanted = match (who, name, email) {
        (Some(who), ..) => Wanted::Identity(who.0),
        (_, Some(name), _) => Wanted::DisplayName(name),
        (.., email) => Wanted::Email(email.unwrap_or_default()),
    };
    block_on(async {
        let mut client = target.connect().await?;
        let request = FindIdentitiesRequest {
            controller: target.controller.clone(),
            purpose: ground.purpose.0.into(),
            purpose_text: ground.purpose_text,
            wanted: Some(wanted),
        };
        let answer = client.identities.find_identities(request).await.map_err(|status| reason(&status))?.into_inner();
        let today = Date::parse(&answer.today);
        let rows: Vec<Row> = answer.people.into_iter().map(|person| Row { person, today }).collect();
        LISTING.say(&rows, json);
        if answer.more {
            complain("there are more: give more of the name or address");
        }
        Ok(if rows.is_empty() { Outcome::Finding } else { Outcome::Good })
    })
}

fn row(Row { person, today }: &Row) -> Vec<String> {
    let who = person.identity.clone().unwrap_or_default();
    let shown = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let domains: Vec<String> = person.domains().map(IdentityDomain::word).collect();
    vec![
        format!("{}:{}", who.namespace, who.id),
        shown(who.display_name),
        shown(who.email),
        masking(person, *today),
        if person.restricted { "yes" } else { "no" }.to_owned(),
        domains.join(" "),
    ]
}

/// Day n of m until name and e-mail address go.
fn masking(person: &Person, today: Option<Date>) -> String {
    let days = Days::of(person, today);
    match (person.masked, days) {
        (true, _) => format!("gone since {}", person.mask_on),
        (false, None) if person.mask_on.is_empty() => "-".to_owned(),
        (false, None) => format!("on {}", person.mask_on),
        (false, Some(Days { day, of })) => format!("on {}, day {day} of {of}", person.mask_on),
    }
}

/// Days between a deactivation and its masking that have gone by.
struct Days {
    day: u32,
    of: u32,
}

impl Days {
    fn of(person: &Person, today: Option<Date>) -> Option<Self> {
        let (from, to) = (Date::parse(&person.deactivated_on)?, Date::parse(&person.mask_on)?);
        let since = |day: Date| day.days().saturating_sub(from.days());
        Some(Self { day: since(today?), of: since(to) })
    }
}

fn object(Row { person, today }: &Row) -> Value {
    let who = person.identity.clone().unwrap_or_default();
    let domains: Vec<String> = person.domains().map(IdentityDomain::word).collect();
    let days = Days::of(person, *today).filter(|_| !person.masked);
    json!({
        "namespace": who.namespace, "id": who.id, "display_name": who.display_name, "email": who.email,
        "domains": domains, "deactivated_on": person.deactivated_on, "mask_on": person.mask_on,
        "day": days.as_ref().map(|days| days.day), "of_days": days.as_ref().map(|days| days.of),
        "masked": person.masked, "restricted": person.restricted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_until_somebody_is_masked_are_counted() {
        let person = |deactivated_on: &str, mask_on: &str, masked| Person {
            deactivated_on: deactivated_on.to_owned(),
            mask_on: mask_on.to_owned(),
            masked,
            ..Person::default()
        };
        let today = Date::parse("2026-12-01");
        for (person, says) in [
            (person("", "", false), "-"),
            (person("2026-11-22", "2026-12-22", false), "on 2026-12-22, day 9 of 30"),
            (person("2026-12-01", "2026-12-31", false), "on 2026-12-31, day 0 of 30"),
            (person("2026-11-01", "2026-12-01", false), "on 2026-12-01, day 30 of 30"),
            (person("2026-10-01", "2026-10-31", true), "gone since 2026-10-31"),
        ] {
            assert_eq!(masking(&person, today), says);
        }
        assert_eq!(masking(&person("2026-11-22", "2026-12-22", false), None), "on 2026-12-22");
    }
}
