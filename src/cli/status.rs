//! `akta status`: is a node serving?

use clap::Args as ClapArgs;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Failure, Outcome, block_on};
use crate::client::Client;

/// Say whether a node is serving: exit 0 if it is, 1 if it says no, 3 if nobody answers
///
/// Asks the standard health service (grpc.health.v1) for each of Akta's services. Good as an exec probe.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Address of the server: HOST:PORT or unix:PATH
    #[arg(long, env = "AKTA_SERVER", default_value = "127.0.0.1:7425", value_name = "ADDRESS")]
    server: String,
}

/// Asks and says.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    block_on(async {
        let mut health = HealthClient::new(Client::channel(&args.server).await?);
        let mut outcome = Outcome::Good;
        for service in ["akta.v1.IngestService", "akta.v1.HistoryService", "akta.v1.EvidenceService"] {
            let request = HealthCheckRequest { service: service.to_owned() };
            let status =
                health.check(request).await.map_err(|status| status.message().to_owned())?.into_inner().status();
            println!("{service}  {}", status.as_str_name());
            if status != ServingStatus::Serving {
                outcome = Outcome::Finding;
            }
        }
        Ok(outcome)
    })
}
