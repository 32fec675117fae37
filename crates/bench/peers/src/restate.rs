//! Restate: servers that keep a journal, and a service, which is this process, that they call for every run. Whoever
//! starts a run asks a server over HTTP and waits for the answer.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, future};

use anyhow::{Context as _, bail};
use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use restate_sdk::prelude::*;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::nodes::Nodes;
use crate::points::{self, Load, Measured};

const PATIENCE: Duration = Duration::from_secs(60);
/// One question's share of it, while the servers come up.
const ATTEMPT: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// Measures it, or says that it is not installed.
///
/// # Errors
/// If it does not come up, or a run does not succeed.
pub(crate) async fn measure(
    load: &Load,
    nodes: usize,
    partitions: usize,
) -> anyhow::Result<Option<Measured>> {
    let Some(server) = server()? else {
        eprintln!("restate-server is not installed: Restate is left out");
        return Ok(None);
    };
    let nodes = Nodes::start(&server, nodes, partitions, &load.dir)?;
    let service = serve().await?;
    let caller = Caller::new();
    let deployment = format!("{{\"uri\": \"http://{service}\"}}");
    caller.until_answered(&format!("{}/deployments", nodes.admin()), &deployment).await?;
    let chains: Vec<_> =
        nodes.ingresses().iter().map(|ingress| format!("{ingress}/Chain/carry_out")).collect();
    for chain in &chains {
        caller.until_answered(chain, "1").await?;
    }
    caller.until_spread(&nodes).await?;
    let steps = load.steps.to_string();
    let points = points::measure(load, move |run| {
        let (caller, chain, steps) = (caller.clone(), chains[run % chains.len()].clone(), steps.clone());
        async move { caller.ask(&chain, &steps).await }
    })
    .await?;
    Ok(Some(Measured { version: nodes.version()?, points }))
}

/// The server beside this program, or else the first on the path.
fn server() -> anyhow::Result<Option<PathBuf>> {
    let own = env::current_exe()?;
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = own.parent().map(Path::to_owned).into_iter().chain(env::split_paths(&path));
    Ok(folders.find_map(|folder| Some(folder.join("restate-server")).filter(|file| file.exists())))
}

struct Chain;

#[service]
impl Chain {
    #[handler]
    async fn carry_out(&self, context: Context<'_>, steps: u64) -> Result<(), TerminalError> {
        for _ in 0..steps {
            context.run(|| async { Ok(()) }).await?;
        }
        Ok(())
    }
}

/// Serves the chain until this process ends; where.
async fn serve() -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    // What it accepts inherits this, so that no small frame waits for another.
    rustix::net::sockopt::set_tcp_nodelay(&listener, true)?;
    let address = listener.local_addr()?.to_string();
    let server = HttpServer::new(Endpoint::builder().bind(Chain).build());
    tokio::spawn(server.serve_with_cancel(listener, future::pending::<()>()));
    Ok(address)
}

/// Who asks the servers; connections are kept.
#[derive(Clone)]
struct Caller(Client<HttpConnector, String>);

impl Caller {
    fn new() -> Caller {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Caller(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Asks with a POST and awaits the answer.
    async fn ask(&self, uri: &str, body: &str) -> anyhow::Result<()> {
        self.answer(Method::POST, uri, body).await?;
        Ok(())
    }

    async fn answer(&self, method: Method, uri: &str, body: &str) -> anyhow::Result<String> {
        let request = Request::builder().method(method).uri(uri);
        let request = request.header("content-type", "application/json").body(body.to_owned())?;
        let answer = self.0.request(request).await.with_context(|| format!("{uri} does not answer"))?;
        let status = answer.status();
        let said = String::from_utf8(answer.into_body().collect().await?.to_bytes().to_vec())?;
        if !status.is_success() {
            bail!("{uri} answers {status}: {said}");
        }
        Ok(said)
    }

    /// Asks until it is answered well: servers that have just been started are not ready for everything at once.
    async fn until_answered(&self, uri: &str, body: &str) -> anyhow::Result<()> {
        patiently(|| self.ask(uri, body)).await
    }

    /// Waits until every partition is led, and every server leads some: at first one leads them all.
    async fn until_spread(&self, nodes: &Nodes) -> anyhow::Result<()> {
        let all = nodes.partitions();
        patiently(|| async {
            let mut leads = Vec::new();
            for metrics in nodes.metrics() {
                leads.push(led(&self.answer(Method::GET, metrics, "").await?));
            }
            let spread = leads.iter().all(|led| *led > 0) && leads.iter().sum::<usize>() == all;
            if spread { Ok(()) } else { bail!("of {all} partitions the servers lead {leads:?}") }
        })
        .await
    }
}

/// How many partitions a server leads, by what it tells.
fn led(metrics: &str) -> usize {
    let line = metrics.lines().find(|line| line.starts_with("restate_num_active_partition_leaders"));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

/// Tries until it succeeds, for as long as servers may take to come up.
async fn patiently<F>(attempt: impl Fn() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let since = Instant::now();
    loop {
        match timeout(ATTEMPT, attempt()).await.context("no answer").and_then(|answer| answer) {
            Ok(()) => return Ok(()),
            Err(error) if since.elapsed() > PATIENCE => return Err(error),
            Err(_) => sleep(LOOK).await,
        }
    }
}
