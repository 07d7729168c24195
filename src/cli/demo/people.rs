//! Many accesses, told by person.

use super::ask::clock;
use crate::cli::text;
use crate::grpc::api::RecordedEvent;

/// People that a table shows.
const SHOWN: usize = 8;

/// What one person did.
struct Person {
    who: String,
    role: String,
    times: usize,
    last: String,
    what: Vec<String>,
}

/// One line per person, who acted most first.
pub fn by_person(rows: &[RecordedEvent]) -> String {
    let mut people: Vec<Person> = Vec::new();
    for row in rows {
        let event = row.event.clone().unwrap_or_default();
        let actor = event.actor.unwrap_or_default();
        let who = text::who(actor.identity.as_ref());
        let resource = event.resource.map(|resource| format!(" {}", resource.r#type)).unwrap_or_default();
        let what = format!("{}{resource}", text::action(event.action));
        let index = people.iter().position(|person| person.who == who).unwrap_or_else(|| {
            let role = actor.roles.first().cloned().unwrap_or_default();
            people.push(Person { who, role, times: 0, last: String::new(), what: Vec::new() });
            people.len() - 1
        });
        let person = &mut people[index];
        person.times += 1;
        person.last = clock(row);
        if !person.what.contains(&what) {
            person.what.push(what);
        }
    }
    people.sort_by_key(|person| std::cmp::Reverse(person.times));
    let cells: Vec<Vec<String>> = people
        .iter()
        .take(SHOWN)
        .map(|person| {
            let times = person.times.to_string();
            vec![person.who.clone(), person.role.clone(), times, person.last.clone(), person.what.join(", ")]
        })
        .collect();
    let mut table = text::table(&["WHO", "ROLE", "TIMES", "LAST", "WHAT"], &cells);
    if people.len() > SHOWN {
        table.push_str(&format!("\nand {} more", people.len() - SHOWN));
    }
    table
}

/// What the member of staff with that id did.
pub fn acts_of<'a>(rows: &'a [RecordedEvent], id: &str) -> Vec<&'a RecordedEvent> {
    let by = |row: &&RecordedEvent| {
        let actor = row.event.as_ref().and_then(|event| event.actor.as_ref());
        actor.and_then(|actor| actor.identity.as_ref()).is_some_and(|who| who.id == id)
    };
    rows.iter().filter(by).collect()
}

/// By whom each access was, by pseudonym: names may go, these stay.
pub fn by_pseudonym(rows: &[RecordedEvent]) -> Vec<Vec<u8>> {
    let actor = |row: &RecordedEvent| row.event.clone().and_then(|event| event.actor).and_then(|actor| actor.identity);
    rows.iter().map(|row| actor(row).unwrap_or_default().pseudonym).collect()
}
