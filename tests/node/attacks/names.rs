//! Names that are paths, or would write elsewhere on a screen or in a log.
#![allow(clippy::unwrap_used)]

use akta::grpc::api::{Event, Resource};
use tonic::Code;

use super::super::neighbours::{SCHOOLS, ask, search};
use super::super::support::{Events, data};
use super::Target;

const BAD: [&str; 14] = [
    "../../etc/passwd",
    "..",
    "/",
    "school-1/../school-2",
    "school-1\0",
    "school-1\n",
    "school-1\r\nakta ERROR",
    "\u{1b}[31mschool-1",
    "\u{1b}]0;title\u{7}",
    "%2e%2e%2f",
    "school\u{202e}1",
    "SCHOOL-1",
    "school-1\u{0}/guard",
    "ｓｃｈｏｏｌ-1",
];

pub(super) async fn all(at: &Target) {
    at.world.node.log_so_far();
    let mut client = at.world.reports(0).await;
    let mut events = Events::of(88);
    let people = at.world.people().await;
    let folder = |path: &std::path::Path| {
        let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let outside = folder(at.world.folder.path());
    for bad in BAD {
        // As a controller: refused, whether one reports or asks.
        let code = Code::InvalidArgument;
        let event = Event { controller: bad.to_owned(), ..events.read() };
        let refused = client.record(event).await.expect_err(bad);
        assert_eq!(refused.code(), code, "{bad:?}");
        let refused = ask(&people, search(bad), &at.token).await.expect_err(bad);
        assert_eq!(refused.code(), code, "{bad:?}");
        assert!(!refused.message().contains(bad), "{bad:?} comes back");
        // As an id of the event: no UUID.
        let event = Event { controller: SCHOOLS[0].to_owned(), event_id: bad.to_owned(), ..events.read() };
        assert_eq!(client.record(event).await.expect_err(bad).code(), Code::InvalidArgument, "{bad:?}");
        // As the id of a resource, which is the application's: refused for its control characters, or kept as it is.
        let resource = Some(Resource { r#type: "marks".to_owned(), id: bad.to_owned(), ..Resource::default() });
        let event = Event { controller: SCHOOLS[0].to_owned(), resource, ..events.read() };
        let event_id = event.event_id.clone();
        match client.record(event).await {
            Err(refused) => assert_eq!(refused.code(), Code::InvalidArgument, "{bad:?}"),
            Ok(_) => {
                assert!(!bad.chars().any(char::is_control), "{bad:?} is kept");
                let mut question = search(SCHOOLS[0]);
                question.filter.get_or_insert_default().event_id = event_id;
                let found = ask(&people, question, &at.token).await.unwrap().events;
                let event = found.into_iter().next().and_then(|found| found.event).unwrap();
                assert_eq!(event.resource.unwrap().id, bad);
            }
        }
    }
    assert_eq!(folder(at.world.folder.path()), outside, "nothing is written elsewhere");
    let inside: Vec<_> = folder(&data(at.world.folder.path()));
    assert_eq!(inside, ["LOCK", "db", "guard", "index", "keyring", "vault"], "nor beside what belongs there");
    for line in at.world.node.log_so_far() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}
