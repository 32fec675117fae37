//! What runs share: regions, locks and resources.

use baton_api as api;

use crate::view::{LockList, RegionList, ResourceList, Settled};
use crate::{Client, Error, Origin, convert};

impl Client {
    /// Every region, with who stands there and whether it was declared lost.
    ///
    /// # Errors
    /// As for every read.
    pub async fn list_regions(&self, stale: bool) -> Result<RegionList, Error> {
        let request = api::ListRegionsRequest { stale };
        let answer =
            self.ask(None, |mut operator| async move { operator.list_regions(request).await }).await?;
        Ok(convert::region_list(answer))
    }

    /// Says that a region is gone for good: what ran there can act no more.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was declared lost already; else as for every write.
    pub async fn declare_lost(&self, region: &str, reason: &str, origin: &Origin) -> Result<Settled, Error> {
        let request = region_request(region, reason, origin);
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.declare_lost(request).await }
            })
            .await?;
        Ok(Settled { name: region.to_owned(), revision: answer.revision })
    }

    /// Lets a region that was declared lost take part again.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was not declared lost; else as for every write.
    pub async fn restore_region(
        &self,
        region: &str,
        reason: &str,
        origin: &Origin,
    ) -> Result<Settled, Error> {
        let request = region_request(region, reason, origin);
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.restore_region(request).await }
            })
            .await?;
        Ok(Settled { name: region.to_owned(), revision: answer.revision })
    }

    /// Every lock that is held, with who waits for it.
    ///
    /// # Errors
    /// As for every read.
    pub async fn list_locks(&self, stale: bool) -> Result<LockList, Error> {
        let request = api::ListLocksRequest { stale };
        let answer = self.ask(None, |mut operator| async move { operator.list_locks(request).await }).await?;
        Ok(convert::lock_list(answer))
    }

    /// Every resource, with who draws on it.
    ///
    /// # Errors
    /// As for every read.
    pub async fn list_resources(&self, stale: bool) -> Result<ResourceList, Error> {
        let request = api::ListResourcesRequest { stale };
        let answer =
            self.ask(None, |mut operator| async move { operator.list_resources(request).await }).await?;
        Ok(convert::resource_list(answer))
    }

    /// Sets a resource's capacity for the whole cluster; `None` gives it back to the plans.
    ///
    /// # Errors
    /// As for every write.
    pub async fn set_capacity(
        &self,
        resource: &str,
        capacity: Option<u32>,
        reason: &str,
        origin: &Origin,
    ) -> Result<Settled, Error> {
        let request = api::SetCapacityRequest {
            request_id: origin.request_id.clone(),
            resource: resource.to_owned(),
            capacity,
            reason: reason.to_owned(),
            operator: origin.operator.clone(),
            roles: origin.roles.clone(),
        };
        let answer = self
            .ask(Some(&origin.request_id), |mut operator| {
                let request = request.clone();
                async move { operator.set_capacity(request).await }
            })
            .await?;
        Ok(Settled { name: resource.to_owned(), revision: answer.revision })
    }
}

fn region_request(region: &str, reason: &str, origin: &Origin) -> api::RegionRequest {
    api::RegionRequest {
        request_id: origin.request_id.clone(),
        region: region.to_owned(),
        reason: reason.to_owned(),
        operator: origin.operator.clone(),
        roles: origin.roles.clone(),
    }
}
