//! The first start, carried out: what [`super::formation`] decides.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use baton_storage::log::random_id;

use super::cluster::Cluster;
use super::formation::{self, Step};
use super::state_machine::blocking;
use super::types::*;

/// How often an unformed member asks for the others.
const ASK_AGAIN: Duration = Duration::from_millis(100);
const IDENTIFY_WITHIN: Duration = Duration::from_millis(500);

impl Cluster {
    /// Takes part in the first start, and returns once this member belongs to a formed cluster;
    /// at once where it does already. Must run while the server listens.
    ///
    /// # Errors
    /// A sentence why this member must not take part: its data was lost, or the lists of members
    /// contradict each other.
    pub async fn form(&self) -> anyhow::Result<()> {
        let (mut waited_for, mut said) = (Vec::new(), false);
        while !self.is_formed().await? {
            match self.next_step().await? {
                Step::Refuse(why) => anyhow::bail!(why),
                Step::Found(members) => self.found(members).await?,
                Step::WaitForLeader => {}
                Step::WaitToBeAdded if !said => {
                    let (id, region, at) =
                        (self.0.config.id, &self.0.config.region, &self.0.config.advertise);
                    tracing::info!(
                        "waiting to be added: `baton cluster add --id {id} --region {region} --address {at}`"
                    );
                    said = true;
                }
                Step::WaitToBeAdded => {}
                Step::WaitFor(missing) if missing != waited_for => {
                    tracing::info!("waiting for members {missing:?} to form the cluster");
                    waited_for = missing;
                }
                Step::WaitFor(_) => {}
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        Ok(())
    }

    async fn next_step(&self) -> anyhow::Result<Step> {
        if let Some(address) = &self.0.config.join {
            let own = self.identity().await;
            let answer =
                self.0.peers.identify(self.0.standing.introduction(), address, IDENTIFY_WITHIN).await;
            return Ok(formation::decide_joining(&own, answer.as_ref()));
        }
        if self.0.config.peers.is_empty() {
            anyhow::bail!(
                "{} belongs to no cluster: name the members of a new one with --peers, or one of a cluster to join with \
                 --join",
                self.0.config.data_dir.display()
            );
        }
        let answers = self.ask_everyone().await;
        Ok(formation::decide(self.0.config.id, &self.0.config.peers, &answers))
    }

    pub(super) async fn is_formed(&self) -> anyhow::Result<bool> {
        Ok(self.0.raft.is_initialized().await?)
    }

    async fn found(&self, members: BTreeMap<u64, Member>) -> anyhow::Result<()> {
        if self.0.standing.cluster().is_empty() {
            self.join(random_id()?).await?;
        }
        tracing::info!(cluster = self.0.standing.cluster(), "founding the cluster");
        self.0.raft.initialize(members).await?;
        Ok(())
    }

    /// Takes a cluster's id for this member's own, durably.
    pub(crate) async fn join(&self, cluster: String) -> io::Result<()> {
        let log = Arc::clone(&self.0.log);
        let durable = cluster.clone();
        blocking(move || log.join_cluster(&durable)).await?;
        self.0.standing.join(cluster);
        Ok(())
    }

    async fn ask_everyone(&self) -> BTreeMap<u64, Option<baton_api::Identity>> {
        let own = self.0.config.id;
        let ask = self.0.config.peers.iter().map(async |(id, address)| {
            let identity = match *id == own {
                true => Some(self.identity().await),
                false => {
                    self.0.peers.identify(self.0.standing.introduction(), address, IDENTIFY_WITHIN).await
                }
            };
            (*id, identity)
        });
        futures::future::join_all(ask).await.into_iter().collect()
    }
}
