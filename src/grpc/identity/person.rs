//! People, found in the vault.

use super::super::api::{FindIdentitiesRequest, FindIdentitiesResponse};
use super::super::status::Refusal;
use super::{Identities, convert};
use crate::grpc::call::{Call, checked};
use crate::model::check::Checker;
use crate::model::permission::Permission;
use crate::trail::answer::AskError;

/// What to do where names are withheld.
const REMEDY: &str = "ask somebody to whom the controller has given a grant, or of its own staff";

impl Identities {
    pub(super) async fn find(
        &self,
        call: &Call,
        request: FindIdentitiesRequest,
    ) -> Result<FindIdentitiesResponse, Refusal> {
        const NEED: Permission = Permission::Search;
        let mut checker = Checker::default();
        let (of, ground) = convert::ground(request.controller, request.purpose, request.purpose_text, &mut checker);
        let of = of.and_then(|of| convert::school(of.to_string(), &mut checker));
        let wanted = convert::wanted(request.wanted, &mut checker);
        let (of, wanted) = checked(checker, of.zip(wanted))?;
        let by = self.door.permit(&call.caller, NEED, &of, call.name);
        let by = by.map_err(|why| Refusal::forbidden(why, AskError::NoController))?;
        if by.withholds_names() {
            self.door.refuse(&call.caller, NEED, &of, call.name, "names-withheld");
            return Err(Refusal::names_withheld(REMEDY));
        }
        let asker = call.asks(&by, ground);
        let today = self.node.today(&of).await?;
        let found = self.node.find_identities(&asker, &of, &wanted).await?;
        Ok(convert::found(found, today))
    }
}
