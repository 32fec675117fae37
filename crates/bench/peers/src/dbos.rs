//! DBOS: a library whose workflows and steps are rows in PostgreSQL. They are carried out in this process, as its users
//! have it.

use ::dbos::{Config, DBOS, Result, step};
use anyhow::Context as _;

use crate::points::{self, Load, Measured};
use crate::postgres::Postgres;

/// Measures it, or says that PostgreSQL is not installed.
///
/// # Errors
/// If it does not come up, or a workflow does not succeed.
pub(crate) async fn measure(load: &Load) -> anyhow::Result<Option<Measured>> {
    let Some(postgres) = Postgres::start(&load.dir).await? else { return Ok(None) };
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let config = Config::new("baton-peers", postgres.url("peers"));
    let dbos = DBOS::new(Config { app_version: version, ..config });
    let chain = dbos.register_workflow("chain", carry_out)?;
    dbos.launch().await?;
    let steps = load.steps;
    let points = points::measure(load, move |_| {
        let chain = chain.clone();
        async move { chain.run(steps).await.context("a workflow failed") }
    })
    .await?;
    dbos.shutdown().await;
    Ok(Some(Measured { version: format!("DBOS on {}", postgres.version()), points }))
}

async fn carry_out(steps: usize) -> Result<()> {
    for _ in 0..steps {
        step("noop", || async { Result::Ok(()) }).await?;
    }
    Ok(())
}
