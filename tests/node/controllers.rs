//! Controllers are opened with zone and profile, described anew, listed; row by row.
#![allow(clippy::unwrap_used)]

use akta::grpc::api::controller_service_server::ControllerService;
use akta::grpc::api::{
    ControllerProfile, ForeignPurposes, ListControllersRequest, OpenControllerRequest, SetControllerRequest,
    SetLoneApprovalRequest,
};
use tonic::Code;

use super::office::{ONE, Office, TWO, inner, judged};
use super::support::run;

const HIDDEN: &str = "no such controller, or you may not decide that for it";

fn open(controller: &str, zone: &str) -> OpenControllerRequest {
    OpenControllerRequest { controller: controller.to_owned(), zone: zone.to_owned(), profile: None }
}

fn profile(sources: &[&str]) -> ControllerProfile {
    ControllerProfile {
        public_body: true,
        register_keeper: true,
        group_only_sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        foreign_purposes: ForeignPurposes::Refuse.into(),
    }
}

#[test]
fn a_controller_is_opened_once_in_its_zone() {
    run(async {
        let office = Office::empty();
        type Row<'a> = (&'a str, &'a str, &'a str, Result<bool, (Code, &'a str)>);
        let rows: [Row<'_>; 9] = [
            ("piotr", ONE, "", Ok(true)),
            ("piotr", ONE, "", Ok(false)),
            ("piotr", ONE, "Europe/Warsaw", Ok(false)),
            ("piotr", ONE, "Europe/Vilnius", Err((Code::AlreadyExists, "Europe/Warsaw"))),
            ("piotr", TWO, "Europe/Vilnius", Ok(true)),
            ("piotr", "school-3", "Mars/Base", Err((Code::InvalidArgument, "zone: is not a time zone"))),
            ("piotr", "node", "", Err((Code::InvalidArgument, "controller: \"node\" is reserved"))),
            ("anna", ONE, "", Err((Code::PermissionDenied, HIDDEN))),
            ("anna", "school-9", "", Err((Code::PermissionDenied, HIDDEN))),
        ];
        for (who, of, zone, expected) in rows {
            let about = format!("{who}, {of}, {zone:?}");
            let answer = inner(office.controllers.open_controller(office.by(who, open(of, zone))).await);
            match expected {
                Ok(opened) => assert_eq!(answer.unwrap().opened, opened, "{about}"),
                refused => judged(&about, answer, refused.err()),
            }
        }
        // Another one than the opening notice is there only where there was something to say.
        assert_eq!(office.kinds(ONE).await, Vec::<&str>::new());
    });
}

#[test]
fn what_kind_it_is_stands_in_the_trail_and_in_the_list() {
    run(async {
        let office = Office::empty();
        let request = OpenControllerRequest { profile: Some(profile(&["newsletter"])), ..open(ONE, "Europe/Vilnius") };
        let opened = inner(office.controllers.open_controller(office.by("piotr", request)).await).unwrap();
        let about = opened.controller.unwrap();
        assert_eq!(
            (about.zone.as_str(), about.size, about.profile),
            ("Europe/Vilnius", 2, Some(profile(&["newsletter"])))
        );
        assert_eq!(office.kinds(ONE).await, ["set"]);
        let set = |profile| SetControllerRequest { controller: ONE.to_owned(), profile };
        let many: Vec<String> = (0..101).map(|number| format!("s{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let refused = |phrase| Some((Code::InvalidArgument, phrase));
        let odd = ControllerProfile { foreign_purposes: 9, ..profile(&[]) };
        for (who, wanted, changed, expected) in [
            ("piotr", Some(profile(&["newsletter"])), false, None),
            ("piotr", Some(profile(&["bus", "newsletter"])), true, None),
            ("piotr", Some(ControllerProfile::default()), true, None),
            ("piotr", None, false, refused("profile: is required")),
            ("piotr", Some(profile(&["", "a"])), false, refused("profile.group_only_sources[0]: is required")),
            ("piotr", Some(profile(&many)), false, refused("profile.group_only_sources: has 101 entries")),
            ("piotr", Some(odd), false, refused("profile.foreign_purposes: is not one")),
            ("anna", Some(profile(&[])), false, Some((Code::PermissionDenied, HIDDEN))),
        ] {
            let about = format!("{who}: {wanted:?}");
            let answer = inner(office.controllers.set_controller(office.by(who, set(wanted))).await);
            assert_eq!(answer.as_ref().is_ok_and(|answer| answer.receipt.is_some()), changed, "{about}");
            judged(&about, answer, expected);
        }
        assert_eq!(office.kinds(ONE).await, ["set", "set", "set"]);
        let unknown = SetControllerRequest { controller: "school-9".to_owned(), profile: Some(profile(&[])) };
        let answer = office.controllers.set_controller(office.by("piotr", unknown)).await;
        judged("unknown", answer, Some((Code::PermissionDenied, HIDDEN)));
    });
}

#[test]
fn everybody_is_listed_what_they_may_see_and_no_more() {
    run(async {
        let office = Office::open().await;
        for (who, page_size, pages) in [
            ("anna", 0, &[&[ONE][..]][..]),
            ("dorota", 1, &[&[TWO]]),
            ("marek", 0, &[&[ONE, TWO]]),
            ("marek", 1, &[&[ONE], &[TWO]]),
            ("ewa", 2, &[&[ONE, TWO]]),
        ] {
            let mut token = String::new();
            for (number, page) in pages.iter().enumerate() {
                let request = ListControllersRequest { page_size, page_token: token };
                let answer = inner(office.controllers.list_controllers(office.by(who, request)).await).unwrap();
                let names: Vec<&str> = answer.controllers.iter().map(|about| about.controller.as_str()).collect();
                assert_eq!(names, *page, "{who}, {page_size}, page {number}");
                assert_eq!(answer.next_page_token.is_empty(), number + 1 == pages.len(), "{who}, page {number}");
                token = answer.next_page_token;
            }
        }
        for (who, request, code, phrase) in [
            ("uid:2001", ListControllersRequest::default(), Code::PermissionDenied, HIDDEN),
            (
                "anna",
                ListControllersRequest { page_size: 1_001, ..Default::default() },
                Code::InvalidArgument,
                "page_size",
            ),
            (
                "anna",
                ListControllersRequest { page_token: "School 1".to_owned(), ..Default::default() },
                Code::InvalidArgument,
                "page_token",
            ),
        ] {
            judged(who, office.controllers.list_controllers(office.by(who, request)).await, Some((code, phrase)));
        }
        // Of one that was never opened nothing shows, also to whom the policy names for it.
        let request = ListControllersRequest::default();
        let answer = inner(Office::empty().controllers.list_controllers(office.by("anna", request)).await);
        assert!(answer.is_err(), "a token of another issuer's key: {answer:?}");
    });
}

#[test]
fn lone_approval_is_the_schools_own_choice() {
    run(async {
        let office = Office::open().await;
        for (who, allowed, changed, expected) in [
            ("anna", false, false, None),
            ("anna", true, true, None),
            ("anna", true, false, None),
            ("anna", false, true, None),
            ("dorota", true, false, Some((Code::PermissionDenied, HIDDEN))),
            ("piotr", true, false, Some((Code::PermissionDenied, HIDDEN))),
            ("head", true, false, Some((Code::PermissionDenied, HIDDEN))),
        ] {
            let request = SetLoneApprovalRequest { controller: ONE.to_owned(), allowed };
            let answer = inner(office.controllers.set_lone_approval(office.by(who, request)).await);
            assert_eq!(answer.as_ref().is_ok_and(|answer| answer.receipt.is_some()), changed, "{who}, {allowed}");
            judged(who, answer, expected);
        }
        assert_eq!(office.kinds(ONE).await, ["lone approval", "lone approval"]);
        assert_eq!(office.kinds(TWO).await, Vec::<&str>::new());
    });
}
