//! The methods that are served, by the names that calls are counted under.

/// Methods whose requests are streams.
pub(super) const STREAMS: &[&str] = &[
    "/akta.v1.IngestService/StreamEvents",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// All methods: what is called by another name is counted as one.
pub(super) const METHODS: &[&str] = &[
    "/akta.v1.IngestService/RecordEvent",
    "/akta.v1.IngestService/RecordEvents",
    "/akta.v1.IngestService/StreamEvents",
    "/akta.v1.HistoryService/SearchEvents",
    "/akta.v1.HistoryService/GetEvent",
    "/akta.v1.HistoryService/ListNotices",
    "/akta.v1.EvidenceService/GetCheckpoint",
    "/akta.v1.EvidenceService/GetInclusionProof",
    "/akta.v1.EvidenceService/GetConsistencyProof",
    "/akta.v1.EvidenceService/VerifyTrail",
    "/akta.v1.ControllerService/OpenController",
    "/akta.v1.ControllerService/SetController",
    "/akta.v1.ControllerService/CloseController",
    "/akta.v1.ControllerService/ListControllers",
    "/akta.v1.ControllerService/SetLoneApproval",
    "/akta.v1.ControllerService/Grant",
    "/akta.v1.ControllerService/EndGrant",
    "/akta.v1.ControllerService/ListGrants",
    "/akta.v1.ControllerService/DeclareIncident",
    "/akta.v1.ControllerService/EndIncident",
    "/akta.v1.ControllerService/ListIncidents",
    "/akta.v1.ControllerService/AskApproval",
    "/akta.v1.ControllerService/AnswerApproval",
    "/akta.v1.ControllerService/ListApprovals",
    "/akta.v1.RetentionService/ListRetentionClasses",
    "/akta.v1.RetentionService/SetRetention",
    "/akta.v1.RetentionService/PreviewExpiry",
    "/akta.v1.RetentionService/RunExpiry",
    "/akta.v1.RetentionService/PlaceHold",
    "/akta.v1.RetentionService/ReviewHold",
    "/akta.v1.RetentionService/ReleaseHold",
    "/akta.v1.RetentionService/ListHolds",
    "/akta.v1.IdentityService/FindIdentities",
    "/akta.v1.IdentityService/DeactivateIdentity",
    "/akta.v1.IdentityService/EraseIdentity",
    "/akta.v1.IdentityService/RestrictIdentity",
    "/akta.v1.IdentityService/LiftRestriction",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/metrics",
];

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::grpc::api;

    /// Paths of methods, as the descriptors have them.
    fn methods(which: impl Fn(&prost_types::MethodDescriptorProto) -> bool) -> Vec<String> {
        let set = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS).expect("are descriptors");
        let mut paths = Vec::new();
        for file in &set.file {
            for service in &file.service {
                let methods = service.method.iter().filter(|method| which(method));
                paths.extend(methods.map(|method| format!("/{}.{}/{}", file.package(), service.name(), method.name())));
            }
        }
        paths
    }

    #[test]
    fn every_method_is_counted_by_its_name() {
        let mut expected = methods(|_| true);
        let mut ours: Vec<_> = METHODS.iter().filter(|path| path.starts_with("/akta.")).collect();
        expected.sort();
        ours.sort();
        assert_eq!(ours, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn every_method_that_takes_a_stream_is_known() {
        let streams = methods(prost_types::MethodDescriptorProto::client_streaming);
        assert!(!streams.is_empty());
        let ours: Vec<_> = STREAMS.iter().filter(|path| path.starts_with("/akta.")).collect();
        assert_eq!(ours, streams.iter().collect::<Vec<_>>());
    }
}
