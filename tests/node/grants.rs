//! Grants: the school lets the vendor's staff in, for a time, and nobody else does; row by row.
#![allow(clippy::unwrap_used)]

use akta::grpc::api::controller_service_server::ControllerService;
use akta::grpc::api::{EndGrantRequest, GrantRequest, Holder, ListGrantsRequest, SearchEventsRequest, holder};
use akta::model::stored::Purpose;
use tonic::Code;

use super::office::{DAY, ONE, Office, ROBOT, TWO, inner, judged, name, subject};
use super::support::run;

const HIDDEN: &str = "no such controller, or you may not decide that for it";
const UNSEEN: &str = "no such controller, or you may not read its trail";
const ID: &str = "0198c3b2-7d1e-7cc3-98c4-dc0c0c07398f";

async fn end(office: &Office, who: &str, of: &str, id: &str) -> Result<bool, tonic::Status> {
    let request = EndGrantRequest { controller: of.to_owned(), id: id.to_owned(), ground: "case closed".to_owned() };
    Ok(inner(office.controllers.end_grant(office.by(who, request)).await)?.receipt.is_some())
}

async fn listed(office: &Office, who: &str, of: &str) -> Result<Vec<akta::grpc::api::GrantInfo>, tonic::Status> {
    let request =
        ListGrantsRequest { controller: of.to_owned(), purpose: Purpose::Security.into(), ..Default::default() };
    Ok(inner(office.controllers.list_grants(office.by(who, request)).await)?.grants)
}

#[test]
fn the_next_call_works_and_names_the_grant_until_it_is_over() {
    run(async {
        let office = Office::open().await;
        let unseen = Some((Code::PermissionDenied, UNSEEN));
        judged("before", office.search("ewa", ONE).await, unseen);
        let id = office.grant("anna", office.granting(ONE, "ewa", &["search"])).await.unwrap();
        let rows = office.search("ewa", ONE).await.unwrap();
        let people = rows.iter().filter_map(|row| row.event.as_ref()?.actor.clone()?.identity);
        assert!(people.into_iter().any(|who| who.namespace == "staff"), "a grant shows names: {rows:?}");
        let read =
            [("asked_by", "everything"), ("grant", id.as_str())].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(office.last_read(ONE, "SearchEvents").await, read);
        // It opens what it says, to whom it says, where it says.
        for (who, of) in [("jan", ONE), ("ewa", TWO)] {
            judged(who, office.search(who, of).await, unseen);
        }
        let openings = SearchEventsRequest { controller: ONE.to_owned(), with_openings: true, ..Default::default() };
        judged("export", office.search_with("ewa", openings).await, unseen);
        office.pass(30 * DAY);
        judged("at its end", office.search("ewa", ONE).await, unseen);

        let second = office.grant("anna", office.granting(ONE, "ewa", &["search"])).await.unwrap();
        office.search("ewa", ONE).await.unwrap();
        assert!(end(&office, "anna", ONE, &second).await.unwrap());
        judged("once ended", office.search("ewa", ONE).await, unseen);
        assert!(!end(&office, "anna", ONE, &second).await.unwrap(), "it is over already");
        assert_eq!(office.kinds(ONE).await, ["granted", "granted", "ended"]);
    });
}

#[test]
fn only_the_schools_own_contact_grants() {
    run(async {
        let office = Office::open().await;
        let hidden = Some((Code::PermissionDenied, HIDDEN));
        for (who, of, to, expected) in [
            ("anna", ONE, "ewa", None),
            (ROBOT, ONE, "jan", None),
            ("dorota", ONE, "ewa", hidden),
            ("anna", TWO, "ewa", hidden),
            ("anna", "school-9", "ewa", hidden),
            ("head", ONE, "ewa", hidden),
            // The vendor's staff: not for themselves, not for others, not by another grant.
            ("ewa", ONE, "ewa", hidden),
            ("piotr", ONE, "piotr", hidden),
            ("marek", ONE, "ewa", hidden),
        ] {
            judged(
                &format!("{who} of {of} to {to}"),
                office.grant(who, office.granting(of, to, &["search"])).await,
                expected,
            );
        }
        let own = office.grant("anna", office.granting(ONE, "ewa", &["grant"])).await;
        judged("the right to grant", own, Some((Code::InvalidArgument, "no other needs a grant, or can have one")));
        // What somebody is granted and has no role for stays shut.
        office.grant("anna", office.granting(ONE, "marek", &["search"])).await.unwrap();
        judged("no role", office.search("marek", ONE).await, Some((Code::PermissionDenied, UNSEEN)));
    });
}

#[test]
fn a_bad_grant_names_its_field() {
    run(async {
        let office = Office::open().await;
        let good = || office.granting(ONE, "ewa", &["search"]);
        let bare = |holder| Some(Holder { holder: Some(holder) });
        let long = "x".repeat(257);
        let rows: Vec<(GrantRequest, &str)> = vec![
            (GrantRequest { controller: "School".to_owned(), ..good() }, "controller: must be 1 to 63"),
            (GrantRequest { controller: "node".to_owned(), ..good() }, "controller: \"node\" is reserved"),
            (GrantRequest { id: "7".to_owned(), ..good() }, "id: must be a UUID"),
            (GrantRequest { holder: None, ..good() }, "holder: is required"),
            (GrantRequest { holder: Some(Holder::default()), ..good() }, "holder: is required"),
            (GrantRequest { holder: bare(holder::Holder::Spiffe("x".to_owned())), ..good() }, "holder.spiffe: must be"),
            (GrantRequest { holder: Some(subject("")), ..good() }, "holder.subject.name: is required"),
            (GrantRequest { holder: Some(subject("a\u{7}")), ..good() }, "holder.subject.name: has control characters"),
            (GrantRequest { holder: Some(subject(&"x".repeat(256))), ..good() }, "holder.subject.name: is 256 bytes"),
            (GrantRequest { permissions: Vec::new(), ..good() }, "permissions: must be one or more of search"),
            (GrantRequest { permissions: vec!["see".to_owned()], ..good() }, "permissions[0]: is none of record"),
            (GrantRequest { ground: String::new(), ..good() }, "ground: is required"),
            (GrantRequest { ground: long, ..good() }, "ground: is 257 bytes"),
            (GrantRequest { until: None, ..good() }, "until: is required"),
            (
                GrantRequest { until: office.ahead(367 * DAY), ..good() },
                "until: must be after from, and at most 366 days",
            ),
            (GrantRequest { from: office.ahead(40 * DAY), ..good() }, "until: must be after from"),
            (
                GrantRequest { from: office.ahead(400 * DAY), until: office.ahead(401 * DAY), ..good() },
                "from: is more than 366 days ahead",
            ),
        ];
        for (request, phrase) in rows {
            judged(phrase, office.grant("anna", request).await, Some((Code::InvalidArgument, phrase)));
        }
        assert_eq!(office.kinds(ONE).await, Vec::<&str>::new());
    });
}

#[test]
fn the_same_call_again_changes_nothing() {
    run(async {
        let office = Office::open().await;
        let good = GrantRequest { id: ID.to_owned(), ..office.granting(ONE, "ewa", &["search"]) };
        office.grant("anna", good.clone()).await.unwrap();
        office.pass(60);
        assert_eq!(office.grant("anna", good.clone()).await.unwrap(), ID, "sent again a minute later");
        let taken = Some((Code::AlreadyExists, "the id is taken"));
        let other = GrantRequest { permissions: vec!["watch".to_owned()], ..good.clone() };
        judged("another", office.grant("anna", other).await, taken);
        judged("another's", office.grant(ROBOT, good.clone()).await, taken);
        let there = GrantRequest { controller: TWO.to_owned(), ..good };
        assert_eq!(office.grant("dorota", there).await.unwrap(), ID, "an id is the controller's own");
        assert_eq!(office.kinds(ONE).await, ["granted"]);

        let (incident, _) = office.declare("anna", &[ONE], DAY).await.unwrap();
        for (who, of, id, expected) in [
            ("anna", ONE, "0198c3b2-0000-7cc3-98c4-dc0c0c07398f", Some((Code::NotFound, "there is no such grant"))),
            ("anna", ONE, incident.as_str(), Some((Code::NotFound, "there is no such grant"))),
            ("anna", ONE, "", Some((Code::InvalidArgument, "id: must be a UUID"))),
            ("dorota", ONE, ID, Some((Code::PermissionDenied, HIDDEN))),
            ("ewa", ONE, ID, Some((Code::PermissionDenied, HIDDEN))),
            ("anna", ONE, ID, None),
        ] {
            judged(&format!("{who} ends {id} of {of}"), end(&office, who, of, id).await, expected);
        }
    });
}

#[test]
fn who_was_let_in_is_shown_to_the_school_and_the_look_is_recorded() {
    run(async {
        let office = Office::open().await;
        let id = office.grant("anna", office.granting(ONE, "ewa", &["notices", "search"])).await.unwrap();
        let grants = listed(&office, "anna", ONE).await.unwrap();
        let [grant] = &grants[..] else { panic!("one: {grants:?}") };
        assert_eq!(
            (grant.id.as_str(), grant.by.as_str(), grant.ground.as_str()),
            (id.as_str(), name("anna").as_str(), "contract 9")
        );
        assert_eq!(
            (grant.holder.clone(), &grant.permissions[..]),
            (Some(subject("ewa")), &["search".to_owned(), "notices".to_owned()][..])
        );
        assert_eq!(office.last_read(ONE, "ListGrants").await, [("asked_by".to_owned(), "everything".to_owned())]);
        assert_eq!(listed(&office, "dorota", TWO).await.unwrap().len(), 0);
        // By her grant she may read it, too, and that is named.
        assert_eq!(listed(&office, "ewa", ONE).await.unwrap().len(), 1);
        let read = office.last_read(ONE, "ListGrants").await;
        assert_eq!(read[1], ("grant".to_owned(), id));
        for (who, of) in [("dorota", ONE), ("jan", ONE), ("piotr", ONE), ("ewa", TWO), ("anna", "school-9")] {
            judged(who, listed(&office, who, of).await, Some((Code::PermissionDenied, UNSEEN)));
        }
        let silent = ListGrantsRequest { controller: ONE.to_owned(), ..Default::default() };
        let answer = office.controllers.list_grants(office.by("anna", silent)).await;
        judged("no purpose", answer, Some((Code::InvalidArgument, "purpose: is required")));
    });
}
