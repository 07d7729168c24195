//! Page tokens that were altered or given to others, and bearer tokens that are over or for somebody else.
#![allow(clippy::unwrap_used)]

use akta::grpc::api::{SearchEventsRequest, SearchOrder};
use tonic::Code;

use super::super::issued::{Issued, Wish};
use super::super::neighbours::{SCHOOLS, ask, search};
use super::Target;

pub(super) async fn all(at: &Target) {
    for school in [0, 1] {
        at.world.seed(school, 20, |_, _| {}).await;
    }
    let people = at.world.people().await;
    let own = at.token.clone();
    let first = SearchEventsRequest { page_size: 2, ..search(SCHOOLS[0]) };
    let page_token = ask(&people, first.clone(), &own).await.unwrap().next_page_token;
    let next = |page_token: String| SearchEventsRequest { page_token, ..first.clone() };
    assert_eq!(ask(&people, next(page_token.clone()), &own).await.unwrap().events.len(), 2, "as it came, it is good");
    let again = ask(&people, next(page_token.clone()), &own).await.unwrap().events;
    assert_eq!(again.len(), 2, "and again");
    let theirs = SearchEventsRequest { page_size: 2, ..search(SCHOOLS[1]) };
    let theirs = ask(&people, theirs, &at.world.token("auditor", 1)).await.unwrap().next_page_token;
    let other_order = SearchEventsRequest { order: SearchOrder::NewestFirst.into(), ..next(page_token.clone()) };
    let exported = SearchEventsRequest { with_openings: true, ..next(page_token.clone()) };
    // Whose token; what is asked.
    let deputy = at.world.token("deputy", 0);
    let mut rows = vec![
        (&own, next(theirs)),
        (&own, other_order),
        (&own, exported),
        (&deputy, next(page_token.clone())),
        (&own, next(page_token.to_uppercase())),
        (&own, next(format!("{page_token}0"))),
        (&own, next(page_token[..50].to_owned())),
    ];
    for place in (0..page_token.len()).step_by(at.many(7, 1)) {
        let mut altered = page_token.clone().into_bytes();
        altered[place] = if altered[place] == b'7' { b'8' } else { b'7' };
        rows.push((&own, next(String::from_utf8(altered).unwrap())));
    }
    for (number, (who, question)) in rows.into_iter().enumerate() {
        let refused = ask(&people, question, who).await.expect_err("is refused");
        assert!(
            refused.code() == Code::InvalidArgument && refused.message().contains("page_token"),
            "row {number}: {refused:?}"
        );
    }
    let wish = Wish { lasts: 3_000, ..Wish::default() };
    let subject = format!("auditor-of-{}", SCHOOLS[0]);
    let issued = |wish| at.world.issuer.token(&subject, wish);
    for (about, token) in [
        ("it has ended", issued(Wish { lasts: -120, ..wish })),
        ("it is for somebody else", issued(Wish { audience: "mail", ..wish })),
        ("it is another's", issued(Wish { issuer: "https://elsewhere.example", ..wish })),
        ("another signed it", Issued::new().token(&subject, wish)),
        ("nobody signed it", issued(Wish { algorithm: "none", ..wish })),
        ("it is cut", own[..own.len() - 1].to_owned()),
    ] {
        for _ in 0..at.many(2, 500) {
            let refused = ask(&people, first.clone(), &token).await.expect_err(about);
            assert_eq!(refused.code(), Code::Unauthenticated, "{about}");
        }
    }
}
