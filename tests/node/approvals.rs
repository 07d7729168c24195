//! Approvals: two people, one objection, a lone approver who waits, names by it in an incident; row by row.
#![allow(clippy::unwrap_used)]

use akta::grpc::api::controller_service_server::ControllerService;
use akta::grpc::api::history_service_server::HistoryService;
use akta::grpc::api::{
    AnswerApprovalRequest, ApprovalInfo, ApprovalStanding, AskApprovalRequest, GetEventRequest, ListApprovalsRequest,
    SearchEventsRequest, SetLoneApprovalRequest, get_event_request,
};
use akta::model::stored::{Deed, Purpose};
use tonic::{Code, Status};

use super::office::{DAY, ONE, Office, ROBOT, TWO, inner, judged, name};
use super::support::run;

const HIDDEN: &str = "no such controller, or you may not decide that for it";
const HOUR: u64 = 3_600;

fn asking(of: &str, deed: Deed) -> AskApprovalRequest {
    AskApprovalRequest {
        controller: of.to_owned(),
        deed: deed.into(),
        concerning: "pupil:p-204".to_owned(),
        ground: "ticket 4711".to_owned(),
        ..Default::default()
    }
}

async fn ask(office: &Office, who: &str, of: &str, deed: Deed) -> Result<(String, ApprovalStanding), Status> {
    let answer = inner(office.controllers.ask_approval(office.by(who, asking(of, deed))).await)?;
    Ok((answer.id.clone(), answer.standing()))
}

async fn say(office: &Office, who: &str, of: &str, id: &str, agrees: bool) -> Result<ApprovalStanding, Status> {
    let request = AnswerApprovalRequest { controller: of.to_owned(), id: id.to_owned(), agrees, ground: String::new() };
    Ok(inner(office.controllers.answer_approval(office.by(who, request)).await)?.standing())
}

async fn listed(office: &Office, who: &str, of: &str) -> Result<Vec<ApprovalInfo>, Status> {
    let purpose = Purpose::SubjectRights.into();
    let request = ListApprovalsRequest { controller: of.to_owned(), purpose, ..Default::default() };
    Ok(inner(office.controllers.list_approvals(office.by(who, request)).await)?.approvals)
}

async fn lone(office: &Office, who: &str, of: &str) {
    let request = SetLoneApprovalRequest { controller: of.to_owned(), allowed: true };
    office.controllers.set_lone_approval(office.by(who, request)).await.unwrap();
}

#[test]
fn one_asks_another_agrees_and_only_people_do() {
    run(async {
        let office = Office::open().await;
        let hidden = Some((Code::PermissionDenied, HIDDEN));
        let person = Some((Code::PermissionDenied, "only a person may ask for approval"));
        for (who, of, deed, expected) in [
            ("anna", ONE, Deed::Erasure, None),
            ("anna", ONE, Deed::NameOverride, None),
            ("anna", TWO, Deed::Erasure, hidden),
            ("anna", "school-9", Deed::Erasure, hidden),
            ("head", ONE, Deed::Erasure, hidden),
            ("ewa", ONE, Deed::Reidentification, hidden),
            (ROBOT, ONE, Deed::Erasure, person),
            ("anna", ONE, Deed::Unspecified, Some((Code::InvalidArgument, "deed: is required"))),
        ] {
            judged(&format!("{who}, {of}, {deed:?}"), ask(&office, who, of, deed).await, expected);
        }
        let (id, standing) = ask(&office, "anna", ONE, Deed::Erasure).await.unwrap();
        assert_eq!(standing, ApprovalStanding::NeedsAnother);
        let unknown = "0198c3b2-0000-7cc3-98c4-dc0c0c07398f";
        for (who, of, id, expected) in [
            // Whoever asked has no second voice; here she lacks the permission, too.
            ("anna", ONE, id.as_str(), hidden),
            ("dorota", ONE, &id, hidden),
            ("ola", ONE, &id, hidden),
            ("ola", TWO, &id, Some((Code::NotFound, "there is no such request"))),
            ("adam", ONE, &id, hidden),
            (ROBOT, ONE, &id, person),
            ("head", ONE, unknown, Some((Code::NotFound, "there is no such request"))),
            ("head", ONE, "7", Some((Code::InvalidArgument, "id: must be a UUID"))),
        ] {
            judged(&format!("{who} agrees to {id} of {of}"), say(&office, who, of, id, true).await, expected);
        }
        assert_eq!(say(&office, "head", ONE, &id, true).await.unwrap(), ApprovalStanding::Agreed);
        assert_eq!(say(&office, "head", ONE, &id, true).await.unwrap(), ApprovalStanding::Agreed, "said again");
        let approvals = listed(&office, "head", ONE).await.unwrap();
        let info = approvals.iter().find(|info| info.id == id).unwrap();
        assert_eq!(
            (&info.asked_by, &info.agreed[..], info.concerning.as_str()),
            (&name("anna"), &[name("head")][..], "pupil:p-204")
        );
        assert_eq!(office.last_read(ONE, "ListApprovals").await, [("asked_by".to_owned(), "everything".to_owned())]);
        judged("another's", listed(&office, "ola", ONE).await, Some((Code::PermissionDenied, "you may not read")));
        assert_eq!(office.kinds(ONE).await, ["asked", "asked", "asked", "answered"]);
    });
}

#[test]
fn a_voice_of_ones_own_does_not_count() {
    run(async {
        let office = Office::open().await;
        // She has both permissions: by a grant, and by what the vendor's table gives her.
        let permissions = ["reidentify", "approve"];
        for who in ["ewa", "adam"] {
            office.grant("anna", office.granting(ONE, who, &permissions)).await.unwrap();
        }
        let (id, _) = ask(&office, "ewa", ONE, Deed::Reidentification).await.unwrap();
        judged("no role", say(&office, "ewa", ONE, &id, true).await, Some((Code::PermissionDenied, HIDDEN)));
        // Another of the vendor's, with a grant: two people they are.
        assert_eq!(say(&office, "adam", ONE, &id, true).await.unwrap(), ApprovalStanding::Agreed);
        let (id, _) = ask(&office, "anna", ONE, Deed::Erasure).await.unwrap();
        assert_eq!(say(&office, "anna", ONE, &id, false).await.unwrap(), ApprovalStanding::Refused, "taken back");
        judged(
            "once refused",
            say(&office, "head", ONE, &id, true).await,
            Some((Code::FailedPrecondition, "the request cannot be used or answered: refused")),
        );
        let (id, _) = ask(&office, "anna", ONE, Deed::Erasure).await.unwrap();
        judged("not hers", say(&office, "ewa", ONE, &id, false).await, Some((Code::PermissionDenied, HIDDEN)));
        assert_eq!(say(&office, "head", ONE, &id, false).await.unwrap(), ApprovalStanding::Refused, "one is enough");
        let (id, _) = ask(&office, "anna", ONE, Deed::Erasure).await.unwrap();
        office.pass(31 * DAY);
        judged("lapsed", say(&office, "head", ONE, &id, true).await, Some((Code::FailedPrecondition, "lapsed")));
    });
}

#[test]
fn a_lone_approver_waits_two_days_and_the_vendors_staff_are_always_two() {
    run(async {
        let office = Office::open().await;
        let (before, _) = ask(&office, "dorota", TWO, Deed::Erasure).await.unwrap();
        office.pass(1);
        lone(&office, "dorota", TWO).await;
        let (after, standing) = ask(&office, "dorota", TWO, Deed::Erasure).await.unwrap();
        assert_eq!(standing, ApprovalStanding::Waits);
        office.grant("dorota", office.granting(TWO, "ewa", &["reidentify"])).await.unwrap();
        let (vendors, standing) = ask(&office, "ewa", TWO, Deed::Reidentification).await.unwrap();
        assert_eq!(standing, ApprovalStanding::NeedsAnother);
        let (objected, _) = ask(&office, "dorota", TWO, Deed::Erasure).await.unwrap();
        say(&office, "ola", TWO, &objected, false).await.unwrap();
        let at = async |expected: [(&String, ApprovalStanding); 4]| {
            let approvals = listed(&office, "dorota", TWO).await.unwrap();
            for (id, standing) in expected {
                let info = approvals.iter().find(|info| info.id == *id).unwrap();
                assert_eq!(info.standing(), standing, "{info:?}");
                assert_eq!(info.ready_at.is_some(), standing == ApprovalStanding::Waits);
            }
        };
        let rest = [
            (&before, ApprovalStanding::NeedsAnother),
            (&vendors, ApprovalStanding::NeedsAnother),
            (&objected, ApprovalStanding::Refused),
        ];
        office.pass(48 * HOUR - 60);
        at([rest[0], rest[1], rest[2], (&after, ApprovalStanding::Waits)]).await;
        office.pass(60);
        at([rest[0], rest[1], rest[2], (&after, ApprovalStanding::AgreedAlone)]).await;
        office.pass(29 * DAY);
        at([
            (&before, ApprovalStanding::Lapsed),
            (&vendors, ApprovalStanding::Lapsed),
            (&after, ApprovalStanding::Lapsed),
            rest[2],
        ])
        .await;
    });
}

/// Whether names are shown to somebody who reads in an incident with that request.
async fn names(office: &Office, who: &str, of: &str, approval_id: &str) -> Result<bool, Status> {
    let (controller, approval_id) = (of.to_owned(), approval_id.to_owned());
    let request = SearchEventsRequest { controller, approval_id, ..Default::default() };
    let rows = office.search_with(who, request).await?;
    let people = rows.iter().filter_map(|row| row.event.as_ref()?.actor.as_ref()?.identity.as_ref());
    Ok(people.into_iter().any(|who| !who.id.is_empty()))
}

#[test]
fn names_in_an_incident_take_a_request_that_was_agreed_to_and_is_used_once() {
    run(async {
        let office = Office::open().await;
        let refused = |phrase| Some((Code::PermissionDenied, phrase));
        let (incident, _) = office.declare("piotr", &[], 7 * DAY).await.unwrap();
        judged("an incident is no grant", ask(&office, "ewa", ONE, Deed::Reidentification).await, refused(HIDDEN));
        for who in ["ewa", "jan"] {
            office.grant("anna", office.granting(ONE, who, &["reidentify"])).await.unwrap();
        }
        let (id, _) = ask(&office, "ewa", ONE, Deed::Reidentification).await.unwrap();
        assert!(!names(&office, "ewa", ONE, "").await.unwrap());
        judged("not agreed", names(&office, "ewa", ONE, &id).await, refused("the request is not agreed to"));
        say(&office, "head", ONE, &id, true).await.unwrap();
        let (other, _) = ask(&office, "anna", ONE, Deed::Reidentification).await.unwrap();
        say(&office, "head", ONE, &other, true).await.unwrap();
        for (who, of, id, phrase) in [
            ("jan", ONE, id.as_str(), "must be a re-identification that you asked for"),
            ("ewa", ONE, &other, "must be a re-identification that you asked for"),
            ("ewa", ONE, "7", "must be a re-identification that you asked for"),
            ("ewa", TWO, &id, "no such controller, or you may not read its trail"),
        ] {
            judged(&format!("{who}, {of}"), names(&office, who, of, id).await, refused(phrase));
        }
        assert!(!office.kinds(ONE).await.contains(&"used"), "nothing of that used it");

        assert!(names(&office, "ewa", ONE, &id).await.unwrap());
        assert!(names(&office, "ewa", ONE, &id).await.unwrap(), "and the next page");
        let key = Some(get_event_request::Key::Seq(1));
        let (controller, purpose) = (ONE.to_owned(), Purpose::IncidentInvestigation.into());
        let get = GetEventRequest { controller, purpose, key, approval_id: id.clone(), ..Default::default() };
        let shown = inner(office.history.get_event(office.by("ewa", get)).await).unwrap().event.unwrap();
        assert_eq!(shown.event.unwrap().actor.unwrap().identity.unwrap().namespace, "staff");
        assert_eq!(office.kinds(ONE).await.iter().filter(|kind| **kind == "used").count(), 1);
        let read: Vec<(String, String)> =
            [("approval", id.as_str()), ("asked_by", "seq"), ("incident", incident.as_str())]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec();
        assert_eq!(office.last_read(ONE, "GetEvent").await, read);
        office.pass(HOUR - 1);
        assert!(names(&office, "ewa", ONE, &id).await.unwrap());
        office.pass(1);
        judged("an hour later", names(&office, "ewa", ONE, &id).await, refused("used more than an hour ago"));
        assert!(!names(&office, "ewa", ONE, "").await.unwrap(), "without it, as before");
    });
}
