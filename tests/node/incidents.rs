//! Incidents: security searches without names, each school concerned is told, and told of nobody else; row by row.
#![allow(clippy::unwrap_used)]

use akta::grpc::api::controller_service_server::ControllerService;
use akta::grpc::api::{
    DeclareIncidentRequest, EndIncidentRequest, EventFilter, Identity, IncidentInfo, ListIncidentsRequest,
    SearchEventsRequest,
};
use akta::model::stored::Purpose;
use prost::Message;
use tonic::{Code, Status};

use super::office::{DAY, ONE, Office, TWO, inner, judged, name};
use super::support::run;

const HIDDEN: &str = "no such controller, or you may not decide that for it";
const UNSEEN: &str = "no such controller, or you may not read its trail";

async fn end(office: &Office, who: &str, of: &[&str], id: &str) -> Result<u32, Status> {
    let controllers = of.iter().map(|of| (*of).to_owned()).collect();
    let request = EndIncidentRequest { id: id.to_owned(), controllers, ground: "over".to_owned() };
    Ok(inner(office.controllers.end_incident(office.by(who, request)).await)?.controllers)
}

async fn listed(office: &Office, who: &str, of: &str) -> Result<Vec<IncidentInfo>, Status> {
    let purpose = Purpose::IncidentInvestigation.into();
    let request = ListIncidentsRequest { controller: of.to_owned(), purpose, ..Default::default() };
    Ok(inner(office.controllers.list_incidents(office.by(who, request)).await)?.incidents)
}

#[test]
fn security_searches_all_concerned_without_names_and_each_is_told() {
    run(async {
        let office = Office::open().await;
        let unseen = Some((Code::PermissionDenied, UNSEEN));
        for of in [ONE, TWO] {
            judged(of, office.search("ewa", of).await, unseen);
        }
        let (id, concerned) = office.declare("piotr", &[], 3 * DAY).await.unwrap();
        assert_eq!(concerned, 2, "all that the node has");
        for of in [ONE, TWO] {
            let rows = office.search("ewa", of).await.unwrap();
            let people: Vec<Identity> = rows
                .iter()
                .filter_map(|row| row.event.as_ref())
                .flat_map(|event| {
                    let actor = event.actor.iter().filter_map(|actor| actor.identity.clone());
                    actor
                        .chain(event.subjects.iter().filter_map(|subject| subject.identity.clone()))
                        .collect::<Vec<_>>()
                })
                .collect();
            assert!(people.len() >= 2, "{rows:?}");
            for who in people {
                assert!(who.id.is_empty() && who.namespace.is_empty() && who.pseudonym.len() == 32, "{who:?}");
            }
            // The read names the incident; the incident stands in list and notices.
            let mine = office.search(if of == ONE { "anna" } else { "dorota" }, of).await.unwrap();
            let theirs = mine
                .iter()
                .filter_map(|row| row.event.as_ref())
                .any(|event| event.attributes.get("incident") == Some(&id) && event.event_name == "SearchEvents");
            assert!(theirs, "{of}: no read names the incident");
            let incidents = listed(&office, if of == ONE { "anna" } else { "dorota" }, of).await.unwrap();
            let [incident] = &incidents[..] else { panic!("one: {incidents:?}") };
            let said = (incident.id.as_str(), incident.ground.as_str(), incident.by.as_str());
            assert_eq!(said, (id.as_str(), "ticket 4711", name("piotr").as_str()));
            assert_eq!(office.kinds(of).await, ["incident"]);
            // Of the other school it says nothing.
            let other = if of == ONE { TWO } else { ONE };
            let notices = office.notices(of).await;
            for bytes in notices.iter().map(Message::encode_to_vec).chain(incidents.iter().map(Message::encode_to_vec))
            {
                assert!(!bytes.windows(other.len()).any(|window| window == other.as_bytes()), "{of} hears of {other}");
            }
        }
        // Nobody may be asked about, nothing but a search is open, and to security only.
        for asked in ["subject", "actor"] {
            let who = Some(Identity { namespace: "pupil".to_owned(), id: "p-1".to_owned(), ..Default::default() });
            let mut filter = EventFilter::default();
            *(if asked == "subject" { &mut filter.subject } else { &mut filter.actor }) = who;
            let request =
                SearchEventsRequest { controller: ONE.to_owned(), filter: Some(filter), ..Default::default() };
            let answer = office.search_with("ewa", request).await;
            judged(asked, answer, Some((Code::PermissionDenied, "names are withheld, and nobody may be asked about")));
        }
        let openings = SearchEventsRequest { controller: ONE.to_owned(), with_openings: true, ..Default::default() };
        judged("openings", office.search_with("ewa", openings).await, unseen);
        judged("list", listed(&office, "ewa", ONE).await, unseen);
        for who in ["piotr", "marek", "adam"] {
            judged(who, office.search(who, ONE).await, unseen);
        }
        office.pass(3 * DAY);
        judged("over", office.search("ewa", ONE).await, unseen);
    });
}

#[test]
fn who_declares_and_ends_it_for_whom() {
    run(async {
        let office = Office::open().await;
        let hidden = Some((Code::PermissionDenied, HIDDEN));
        for (who, of, concerned, expected) in [
            ("piotr", &[ONE, TWO][..], 2, None),
            ("piotr", &[ONE, ONE], 1, None),
            ("anna", &[ONE], 1, None),
            ("anna", &[], 1, None),
            ("anna", &[ONE, TWO], 0, hidden),
            ("anna", &["school-9"], 0, hidden),
            ("piotr", &[ONE, "school-9"], 0, hidden),
            ("ewa", &[ONE], 0, hidden),
            ("ewa", &[], 0, hidden),
            ("head", &[], 0, hidden),
            ("piotr", &["node"], 0, Some((Code::InvalidArgument, "controllers[0]: \"node\" is reserved"))),
            ("piotr", &[ONE, "A"], 0, Some((Code::InvalidArgument, "controllers[1]: must be 1 to 63"))),
        ] {
            let answer = office.declare(who, of, DAY).await;
            assert_eq!(answer.as_ref().map_or(0, |(_, concerned)| *concerned), concerned, "{who}, {of:?}");
            judged(&format!("{who}, {of:?}"), answer, expected);
        }
        // All or none: what was refused left nothing behind.
        assert_eq!(office.kinds(TWO).await, ["incident"]);

        let (id, _) = office.declare("piotr", &[], DAY).await.unwrap();
        let missing = Some((Code::NotFound, "there is no such incident"));
        for (who, of, ended, expected) in [
            ("dorota", &[ONE][..], 0, hidden),
            ("ewa", &[], 0, hidden),
            ("dorota", &[], 1, None),
            ("dorota", &[TWO], 0, None),
            ("piotr", &[], 1, None),
            ("piotr", &[], 0, None),
        ] {
            let answer = end(&office, who, of, &id).await;
            assert_eq!(answer.as_ref().map_or(0, |ended| *ended), ended, "{who}, {of:?}");
            judged(&format!("{who} ends it for {of:?}"), answer, expected);
        }
        judged("unknown", end(&office, "piotr", &[], "0198c3b2-0000-7cc3-98c4-dc0c0c07398f").await, missing);
        let grant = office.grant("anna", office.granting(ONE, "jan", &["search"])).await.unwrap();
        judged("a grant", end(&office, "piotr", &[ONE], &grant).await, missing);
        judged("a grant, all", end(&office, "piotr", &[], &grant).await, missing);
        office.search("jan", ONE).await.unwrap();
    });
}

#[test]
fn the_same_call_again_and_bounds() {
    run(async {
        let office = Office::open().await;
        let id = "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f".to_owned();
        let good = DeclareIncidentRequest {
            id: id.clone(),
            controllers: vec![ONE.to_owned()],
            ground: "ticket 4711".to_owned(),
            until: office.ahead(DAY),
            ..Default::default()
        };
        let declare =
            async |who: &str, request| inner(office.controllers.declare_incident(office.by(who, request)).await);
        assert_eq!(declare("piotr", good.clone()).await.unwrap().id, id);
        office.pass(60);
        // Sent again, for more schools than before: the others are told, the first not again.
        let more = DeclareIncidentRequest { controllers: Vec::new(), ..good.clone() };
        assert_eq!(declare("piotr", more).await.unwrap().controllers, 2);
        assert_eq!([office.kinds(ONE).await, office.kinds(TWO).await], [["incident"], ["incident"]]);
        judged("another's", declare("anna", good.clone()).await, Some((Code::AlreadyExists, "the id is taken")));
        let bad = |phrase| Some((Code::InvalidArgument, phrase));
        let fresh = || DeclareIncidentRequest { id: String::new(), ..good.clone() };
        for (request, expected) in [
            (
                DeclareIncidentRequest { until: office.ahead(8 * DAY), ..fresh() },
                bad("until: must be after from, and at most 7 days"),
            ),
            (DeclareIncidentRequest { until: None, ..fresh() }, bad("until: is required")),
            (DeclareIncidentRequest { ground: String::new(), ..fresh() }, bad("ground: is required")),
            (DeclareIncidentRequest { id: "x".to_owned(), ..fresh() }, bad("id: must be a UUID")),
            (
                DeclareIncidentRequest { controllers: vec![ONE.to_owned(); 1_001], ..fresh() },
                bad("controllers: has 1001 entries, the limit is 1000"),
            ),
        ] {
            judged("bad", declare("piotr", request).await, expected);
        }
        for _ in 1..20 {
            declare("piotr", fresh()).await.unwrap();
        }
        judged("too many", declare("piotr", fresh()).await, Some((Code::ResourceExhausted, "20 incidents")));
    });
}
