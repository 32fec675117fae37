//! Who belongs to the cluster, who leads it, and backups.

use baton_api as api;
use tonic::Response;

use crate::{Client, Error};

impl Client {
    /// Takes a coordinator in as a learner; done when it is one already. Gives back the revision.
    ///
    /// # Errors
    /// [`Error::Refused`] when nobody or somebody else answers at the address, or the id was used before.
    pub async fn add_member(&self, id: u64, region: &str, address: &str) -> Result<u64, Error> {
        let request = api::AddMemberRequest { id, region: region.to_owned(), address: address.to_owned() };
        let call = |mut operator: api::operator_client::OperatorClient<_>| {
            let request = request.clone();
            async move { operator.add_member(request).await }
        };
        Ok(self.patient().ask(None, call).await?.revision)
    }

    /// Gives a learner a vote; done when it has one already. Gives back the revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Refused`] while it is too far behind.
    pub async fn promote_member(&self, id: u64) -> Result<u64, Error> {
        let request = api::MemberRequest { id };
        let call = |mut operator: api::operator_client::OperatorClient<_>| async move {
            operator.promote_member(request).await
        };
        Ok(self.patient().ask(None, call).await?.revision)
    }

    /// Removes a member, whose id is never used again; done when it was removed already. Gives back the revision.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Refused`] where the rest would be without a quorum.
    pub async fn remove_member(&self, id: u64) -> Result<u64, Error> {
        let request = api::MemberRequest { id };
        let call = |mut operator: api::operator_client::OperatorClient<_>| async move {
            operator.remove_member(request).await
        };
        Ok(self.patient().ask(None, call).await?.revision)
    }

    /// Hands leadership over from the member that leads, to a certain one or to the most caught-up one. Gives back who
    /// leads then.
    ///
    /// # Errors
    /// [`Error::Refused`] when nobody can take over, or that one cannot.
    pub async fn transfer_leader(&self, from: u64, to: Option<u64>) -> Result<u64, Error> {
        let request = api::TransferLeaderRequest { from, to };
        let call = |mut operator: api::operator_client::OperatorClient<_>| async move {
            operator.transfer_leader(request).await
        };
        Ok(self.patient().ask(None, call).await?.leader)
    }

    /// The whole state, as the bytes of a backup.
    ///
    /// # Errors
    /// As for every read.
    pub async fn backup(&self) -> Result<Vec<u8>, Error> {
        let call = |mut operator: api::operator_client::OperatorClient<_>| async move {
            let mut parts = operator.backup(api::BackupRequest {}).await?.into_inner();
            let mut bytes = Vec::new();
            while let Some(part) = parts.message().await? {
                bytes.extend(part.bytes);
            }
            Ok(Response::new(bytes))
        };
        self.patient().ask(None, call).await
    }

    /// These take as long as a quorum and a second coordinator take: one that works on it is not left alone early.
    fn patient(&self) -> Client {
        self.clone().with_attempt(self.deadline)
    }
}
