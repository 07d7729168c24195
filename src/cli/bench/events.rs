//! Synthetic events as a school's applications report them. The same seed gives the same events.

use crate::grpc::api::{Actor, Event, Identity, Network, Resource, Source, Subject};
use crate::model::stored::{Action, ActorKind, Channel, ChildFlag, DataCategory, Outcome, Purpose};

use super::zipf::Zipf;
use crate::cli::random::Random;

/// Whose trail the events go to.
pub const CONTROLLER: &str = "school-12";
/// People who act: few of them do most.
pub const ACTORS: usize = 200;
/// People whose data it is.
pub const SUBJECTS: usize = 50_000;
/// Subjects that an actor has to do with day by day.
const LOCAL: usize = SUBJECTS / ACTORS;
/// Stands where the event id will stand.
pub const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// What was done, how often in a hundred, by which operation, to what, why.
const KINDS: [(Action, u64, &str, &str, DataCategory, Purpose); 7] = [
    (Action::Read, 46, "pupils.card.show", "pupil-card", DataCategory::Identity, Purpose::SchoolAdministration),
    (Action::Read, 20, "marks.pupil.show", "mark-sheet", DataCategory::EducationRecord, Purpose::Teaching),
    (Action::List, 12, "attendance.pupil.list", "attendance-list", DataCategory::Attendance, Purpose::Attendance),
    (Action::Update, 10, "marks.pupil.change", "mark-sheet", DataCategory::EducationRecord, Purpose::Assessment),
    (Action::Search, 6, "pupils.search", "pupil-card", DataCategory::Contact, Purpose::SchoolAdministration),
    (Action::Create, 4, "messages.send", "message", DataCategory::MessageContent, Purpose::Teaching),
    (Action::Read, 2, "opinions.show", "opinion", DataCategory::PsychoPedagogical, Purpose::Teaching),
];

/// Browsers in use; each comes in five versions.
const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@.0.0.0 Edg/@.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:@.0) Gecko/20100101 Firefox/@.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:@.0) Gecko/20100101 Firefox/@.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/@.0.0.0 Mobile Safari/537.36",
    "SchoolDiary/@.4 (iPhone; iOS 18.6)",
];

/// Draws events.
pub struct Events {
    random: Random,
    actors: Zipf,
    subjects: Zipf,
    user_agents: Vec<Vec<u8>>,
}

impl Events {
    /// Events of that seed.
    pub fn new(seed: u64) -> Self {
        let user_agents = BROWSERS
            .iter()
            .flat_map(|browser| (0..5).map(move |age| browser.replace('@', &(145 - age).to_string()).into_bytes()));
        Self {
            random: Random::new(seed),
            actors: Zipf::new(ACTORS),
            subjects: Zipf::new(SUBJECTS),
            user_agents: user_agents.collect(),
        }
    }

    /// The next event; its id is [`NO_ID`], its time is left to the server.
    pub fn draw(&mut self) -> Event {
        let random = &mut self.random;
        let actor = self.actors.draw(random);
        let subject = match random.below(2) {
            0 => self.subjects.draw(random),
            _ => actor * LOCAL + random.index(LOCAL),
        };
        let mut dice = random.below(100);
        let kind = KINDS.iter().find(|kind| {
            let found = dice < kind.1;
            dice = dice.saturating_sub(kind.1);
            found
        });
        let (action, _, name, resource, category, purpose) = *kind.unwrap_or(&KINDS[0]);
        Event {
            event_id: NO_ID.to_owned(),
            controller: CONTROLLER.to_owned(),
            action: action.into(),
            event_name: name.to_owned(),
            outcome: Outcome::Success.into(),
            actor: Some(Actor {
                identity: Some(Identity::new("staff", format!("t-{actor:04}"))),
                kind: ActorKind::Human.into(),
                roles: vec![if actor.is_multiple_of(8) { "secretary" } else { "teacher" }.to_owned()],
                ..Actor::default()
            }),
            subjects: vec![Subject {
                identity: Some(Identity::new("pupil", format!("p-{subject:06}"))),
                child: ChildFlag::Under16.into(),
            }],
            resource: Some(Resource {
                r#type: resource.to_owned(),
                id: format!("r-{:08}", random.below(10_000_000)),
                ..Resource::default()
            }),
            record_count: 1,
            categories: vec![category.into()],
            purpose: purpose.into(),
            channel: Channel::Web.into(),
            network: Some(Network {
                ip: address(actor, random),
                user_agent: self.user_agents[(actor * 7 + random.index(3)) % self.user_agents.len()].clone(),
                trace_id: random.bytes::<16>().to_vec(),
                ..Network::default()
            }),
            source: Some(Source {
                service: "diary-web".to_owned(),
                instance: format!("diary-web-6c9f7d58b4-{}", ["x2k9q", "m7t4z", "p8w3c", "v5n6j"][random.index(4)]),
                ..Source::default()
            }),
            ..Event::default()
        }
    }
}

/// Three in four addresses are IPv4; an actor has a few of each.
fn address(actor: usize, random: &mut Random) -> String {
    let host = actor * 4 + random.index(4);
    match random.below(4) {
        0 => std::net::Ipv6Addr::new(0x2001, 0xdb8, 0x12, host as u16, 0x5c1f, 0x9e02, 0x33aa, host as u16 ^ 0x7a31)
            .to_string(),
        _ => std::net::Ipv4Addr::new(198, 51, (host / 250) as u8, (host % 250 + 1) as u8).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn events_are_accepted_and_about_as_large_as_real_ones() {
        let mut events = Events::new(1);
        let drawn: Vec<Event> = (0..2_000).map(|_| events.draw()).collect();
        let mean = drawn.iter().map(Message::encoded_len).sum::<usize>() / drawn.len();
        assert!((300..380).contains(&mean), "{mean} bytes");
        for event in drawn {
            crate::grpc::convert::event(Some(event)).expect("is a good event");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_events() {
        assert_eq!(Events::new(3).draw(), Events::new(3).draw());
        assert_ne!(Events::new(3).draw(), Events::new(4).draw());
    }
}
