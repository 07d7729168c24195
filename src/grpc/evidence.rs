//! `akta.v1.EvidenceService`: checkpoints, proofs, verification.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::api::evidence_service_server::EvidenceService;
use super::api::{
    GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest, GetConsistencyProofResponse,
    GetInclusionProofRequest, GetInclusionProofResponse, VerifyTrailRequest, VerifyTrailResponse,
};
use super::auth::door::Door;
use super::convert;
use super::status::Refusal;
use crate::model::caller::Caller;
use crate::model::note::Note;
use crate::model::origin::Controller;
use crate::model::permission::Permission;
use crate::model::tlog_proof::TlogProof;
use crate::model::tree::Hash;
use crate::trail::answer::AskError;
use crate::trail::node::Node;
use crate::trail::proof::ProveError;

/// Messages of a verification that wait for a slow reader.
const AHEAD_MAX: usize = 16;

/// The service.
pub struct Evidence {
    /// Proves.
    pub node: Arc<Node>,
    /// Decides for whom.
    pub door: Arc<Door>,
}

impl Evidence {
    /// The controller of a question, if that caller may ask it.
    fn permit(
        &self,
        caller: &Caller,
        need: Permission,
        controller: String,
        call: &'static str,
    ) -> Result<Controller, Status> {
        let controller = convert::any_controller(controller).map_err(Refusal::status)?;
        let permitted = self.door.permit(caller, need, &controller, call);
        permitted.map_err(|why| Refusal::forbidden(why, AskError::NoController).status())?;
        Ok(controller)
    }
}

#[tonic::async_trait]
impl EvidenceService for Evidence {
    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        const CALL: &str = "GetCheckpoint";
        let (caller, _seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let controller = self.permit(&caller, Permission::Prove, request.controller, CALL)?;
        let of = convert::which(&controller, &request.origin).map_err(Refusal::status)?;
        let found = self.node.checkpoint(of, request.at_least).await.map_err(refused)?;
        Ok(Response::new(GetCheckpointResponse {
            checkpoint: found.note,
            verification_key: found.verification_key,
            size: found.head.size,
            root: found.head.root.0.to_vec(),
        }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        const CALL: &str = "GetInclusionProof";
        let (caller, _seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let controller = self.permit(&caller, Permission::Prove, request.controller, CALL)?;
        let size = Some(request.size).filter(|size| *size != 0);
        let of = convert::which(&controller, &request.origin).map_err(Refusal::status)?;
        let (header, proof) = self.node.inclusion(of, request.seq, size).await.map_err(refused)?;
        let hashes = bytes(&proof.hashes);
        let note = Note::parse(proof.checkpoint.note.as_bytes()).ok().filter(|_| size.is_none());
        let file = note.map(|checkpoint| {
            TlogProof { extra: Vec::new(), index: request.seq, hashes: proof.hashes, checkpoint }.to_string()
        });
        Ok(Response::new(GetInclusionProofResponse {
            size: proof.size,
            header: header.encode(),
            hashes,
            checkpoint: proof.checkpoint.note,
            tlog_proof: file.unwrap_or_default(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        const CALL: &str = "GetConsistencyProof";
        let (caller, _seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let controller = self.permit(&caller, Permission::Prove, request.controller, CALL)?;
        let new = Some(request.new_size).filter(|size| *size != 0);
        let of = convert::which(&controller, &request.origin).map_err(Refusal::status)?;
        let proof = self.node.consistency(of, request.old_size, new).await.map_err(refused)?;
        Ok(Response::new(GetConsistencyProofResponse {
            new_size: proof.size,
            hashes: bytes(&proof.hashes),
            checkpoint: proof.checkpoint.note,
        }))
    }

    type VerifyTrailStream = Pin<Box<dyn Stream<Item = Result<VerifyTrailResponse, Status>> + Send>>;

    async fn verify_trail(
        &self,
        request: Request<VerifyTrailRequest>,
    ) -> Result<Response<Self::VerifyTrailStream>, Status> {
        const CALL: &str = "VerifyTrail";
        let (caller, _seat) = self.door.asker(&request, CALL).await?;
        let request = request.into_inner();
        let controller = self.permit(&caller, Permission::Verify, request.controller, CALL)?;
        let of = convert::which(&controller, &request.origin).map_err(Refusal::status)?;
        let thread = self.door.verification(&caller)?;
        let (messages, outgoing) = mpsc::channel(AHEAD_MAX);
        let progress = messages.clone();
        let node = self.node.clone();
        tokio::spawn(async move {
            // Ends early when the asker hangs up.
            let verify = node.verify(of, move |verified, size| {
                // Given back when the thread is done, however that comes.
                let _held = &thread;
                progress.blocking_send(Ok(VerifyTrailResponse { verified, size, report: None })).is_ok()
            });
            let last = match verify.await {
                Ok(Some(report)) => Ok(convert::verified(report)),
                Ok(None) => return,
                Err(error) => Err(refused(error.into())),
            };
            // A reader that hung up does not want to know.
            let _ = messages.send(last).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }
}

fn refused(error: ProveError) -> Status {
    Refusal::from(error).status()
}

fn bytes(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.0.to_vec()).collect()
}
