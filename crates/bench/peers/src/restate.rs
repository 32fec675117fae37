//! Restate: servers that keep a journal, and a service, which is this process, that they call for every run. Whoever
//! starts a run asks a server over HTTP and waits for the answer.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, future};

use anyhow::{Context as _, bail};
use http::{Method, Request, StatusCode};
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
pub(crate) async fn measure(load: &Load, nodes: usize) -> anyhow::Result<Option<Measured>> {
    let Some(server) = server()? else {
        eprintln!("restate-server is not installed: Restate is left out");
        return Ok(None);
    };
    let nodes = Nodes::start(&server, nodes, &load.dir)?;
    let service = serve().await?;
    let caller = Caller::new();
    let deployment = format!("{{\"uri\": \"http://{service}\"}}");
    caller.until_answered(&format!("{}/deployments", nodes.admin()), &deployment).await?;
    let chains: Vec<_> =
        nodes.ingresses().iter().map(|ingress| format!("{ingress}/Chain/carry_out")).collect();
    for chain in &chains {
        caller.until_answered(chain, "1").await?;
    }
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

    /// Asks and awaits the answer.
    async fn ask(&self, uri: &str, body: &str) -> anyhow::Result<()> {
        let request = Request::builder().method(Method::POST).uri(uri);
        let request = request.header("content-type", "application/json").body(body.to_owned())?;
        let answer = self.0.request(request).await.with_context(|| format!("{uri} does not answer"))?;
        let status = answer.status();
        let said = answer.into_body().collect().await?.to_bytes();
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            bail!("{uri} answers {status}: {}", String::from_utf8_lossy(&said));
        }
        Ok(())
    }

    /// Asks until it is answered well: servers that have just been started are not ready for everything at once.
    async fn until_answered(&self, uri: &str, body: &str) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            let asked = timeout(ATTEMPT, self.ask(uri, body)).await.context("no answer");
            match asked.and_then(|answer| answer) {
                Ok(()) => return Ok(()),
                Err(error) if since.elapsed() > PATIENCE => return Err(error),
                Err(_) => sleep(LOOK).await,
            }
        }
    }
}
