//! Who belongs to the cluster, who leads it, and backups.

use std::{fmt, io};

use baton_api as api;

use crate::{Client, Error, Origin};

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

    /// Says in which region the leader should be; `None` means anywhere. Gives back the revision.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no coordinator with a vote stands there; else as for every write.
    pub async fn prefer_leader(&self, region: Option<&str>, origin: &Origin) -> Result<u64, Error> {
        let request = api::PreferLeaderRequest {
            request_id: origin.request_id.clone(),
            region: region.map(str::to_owned),
            operator: origin.operator.clone(),
            roles: origin.roles.clone(),
        };
        let call = |mut operator: api::operator_client::OperatorClient<_>| {
            let request = request.clone();
            async move { operator.prefer_leader(request).await }
        };
        Ok(self.ask(Some(&origin.request_id), call).await?.revision)
    }

    /// The whole state, as the bytes of a backup, each part given to `keep` as it comes.
    ///
    /// # Errors
    /// As for every read; [`Error::Other`] where it breaks off or `keep` fails: what was kept is no backup then.
    pub async fn backup(&self, mut keep: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Error> {
        let call = |mut operator: api::operator_client::OperatorClient<_>| async move {
            operator.backup(api::BackupRequest {}).await
        };
        let mut parts = self.patient().ask(None, call).await?;
        let broken_off =
            |why: &dyn fmt::Display| Error::Other(format!("the backup broke off: {why}; take it again"));
        while let Some(part) = parts.message().await.map_err(|status| broken_off(&status.message()))? {
            keep(&part.bytes).map_err(|error| broken_off(&error))?;
        }
        Ok(())
    }

    /// These take as long as a quorum and a second coordinator take: one that works on it is not left alone early.
    fn patient(&self) -> Client {
        self.clone().with_attempt(self.deadline)
    }
}
