//! The yardstick: three etcd processes with their defaults, and as little of a client as a put needs, so that both
//! sides are asked in the same way, over gRPC from the same program.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::bound::die_with_us;

const PATIENCE: Duration = Duration::from_secs(20);

/// `etcdserverpb.PutRequest`, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// An answer of which only the arrival counts.
#[derive(Clone, PartialEq, prost::Message)]
struct Answer {}

/// `etcdserverpb.StatusResponse`, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
    #[prost(uint64, tag = "4")]
    leader: u64,
}

/// `etcdserverpb.ResponseHeader`, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct Header {
    #[prost(uint64, tag = "2")]
    member_id: u64,
}

/// Three processes; ended when dropped.
pub(crate) struct Etcd {
    members: Vec<Member>,
    _dir: tempfile::TempDir,
}

struct Member {
    process: Child,
    command: Vec<String>,
    address: String,
}

/// What puts need to know of one member.
#[derive(Clone)]
pub(crate) struct Put(Channel);

impl Put {
    /// A connection to this address, made when it is needed.
    ///
    /// # Errors
    /// If the address is not understood.
    pub(crate) fn to(address: &str) -> anyhow::Result<Put> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
        Ok(Put(endpoint.connect_lazy()))
    }

    /// Puts a value.
    ///
    /// # Errors
    /// What the member said.
    pub(crate) async fn put(&self, key: &str, value: &[u8]) -> anyhow::Result<()> {
        let request = PutRequest { key: key.as_bytes().to_vec(), value: value.to_vec() };
        let _: Answer = call(&self.0, "/etcdserverpb.KV/Put", request).await?;
        Ok(())
    }
}

async fn call<Q, A>(channel: &Channel, path: &'static str, request: Q) -> anyhow::Result<A>
where
    Q: prost::Message + Default + 'static,
    A: prost::Message + Default + 'static,
{
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await?;
    let codec = tonic_prost::ProstCodec::<Q, A>::default();
    let answer: Result<tonic::Response<A>, Status> =
        grpc.unary(Request::new(request), path.try_into()?, codec).await;
    Ok(answer?.into_inner())
}

impl Etcd {
    /// Starts it, or says that it is not installed.
    ///
    /// # Errors
    /// If it is installed and does not come up.
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Option<Etcd>> {
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_err() {
            return Ok(None);
        }
        let dir = tempfile::Builder::new().prefix("etcd-").tempdir_in(dir)?;
        let held: Vec<_> = (0..6).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let addresses: Vec<_> =
            held.iter().map(|held| Ok(held.local_addr()?.to_string())).collect::<std::io::Result<_>>()?;
        drop(held);
        let (clients, peers) = addresses.split_at(3);
        let cluster: Vec<_> =
            peers.iter().enumerate().map(|(n, peer)| format!("m{n}=http://{peer}")).collect();
        let mut members = Vec::new();
        for (n, (client, peer)) in clients.iter().zip(peers).enumerate() {
            let data = dir.path().join(n.to_string()).display().to_string();
            let command = vec![
                format!("--name=m{n}"),
                format!("--data-dir={data}"),
                format!("--listen-client-urls=http://{client}"),
                format!("--advertise-client-urls=http://{client}"),
                format!("--listen-peer-urls=http://{peer}"),
                format!("--initial-advertise-peer-urls=http://{peer}"),
                format!("--initial-cluster={}", cluster.join(",")),
                "--log-level=error".into(),
            ];
            let process = start(&command)?;
            members.push(Member { process, command, address: client.clone() });
        }
        let etcd = Etcd { members, _dir: dir };
        etcd.leader().await?;
        Ok(Some(etcd))
    }

    /// The place of the member that leads.
    ///
    /// # Errors
    /// If none does for a while.
    pub(crate) async fn leader(&self) -> anyhow::Result<usize> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            for (place, member) in self.members.iter().enumerate() {
                let member = Put::to(&member.address)?;
                let path = "/etcdserverpb.Maintenance/Status";
                let status = call::<Answer, StatusResponse>(&member.0, path, Answer {});
                if let Ok(Ok(status)) = timeout(Duration::from_millis(500), status).await
                    && status.header.is_some_and(|header| header.member_id == status.leader)
                {
                    return Ok(place);
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("no etcd leads")
    }

    /// Where members answer, the one in this place first.
    pub(crate) fn addresses(&self, first: usize) -> Vec<String> {
        let mut addresses: Vec<_> = self.members.iter().map(|member| member.address.clone()).collect();
        addresses.rotate_left(first);
        addresses
    }

    /// Sends a member a signal.
    ///
    /// # Errors
    /// If it had ended.
    pub(crate) fn signal(&self, place: usize, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.members[place].process), signal)?)
    }

    /// Starts a killed member again.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn restart(&mut self, place: usize) -> anyhow::Result<()> {
        let member = &mut self.members[place];
        member.process.wait()?;
        member.process = start(&member.command)?;
        Ok(())
    }
}

fn start(arguments: &[String]) -> std::io::Result<Child> {
    let quiet = Stdio::null;
    let mut command = Command::new("etcd");
    command.args(arguments).stdin(quiet()).stdout(quiet()).stderr(quiet());
    die_with_us(&mut command);
    command.spawn()
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for member in &mut self.members {
            // It may have been killed before.
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}
