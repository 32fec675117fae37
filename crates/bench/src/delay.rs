//! A way between two regions, as loopback has none: what goes in comes out later, in order, and as much of it as there is.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::figures::Times;

/// How much is taken up at once.
const PART: usize = 64 << 10;
/// Questions by which a line is measured.
const PINGS: usize = 30;

/// Leads to one address; it is taken down when it is dropped.
pub(crate) struct Line {
    pub(crate) address: String,
    _carrying: JoinSet<()>,
}

impl Line {
    /// Opens a line whose round trip takes so long.
    ///
    /// # Errors
    /// If no port is free.
    pub(crate) async fn open(to: String, round_trip: Duration) -> anyhow::Result<Line> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let mut carrying = JoinSet::new();
        carrying.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(carry(near, to.clone(), round_trip));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Line { address, _carrying: carrying })
    }
}

/// One connection, both ways. Failures end it, as they would end a connection.
async fn carry(near: TcpStream, to: String, round_trip: Duration) {
    // Loopback has accepted at once what takes a round trip over a distance.
    sleep(round_trip).await;
    let Ok(far) = TcpStream::connect(&to).await else { return };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::join!(flow(near_in, far_out, round_trip / 2), flow(far_in, near_out, round_trip / 2));
}

async fn flow(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (put, mut take) = mpsc::unbounded_channel();
    let read = async move {
        loop {
            let mut part = Vec::with_capacity(PART);
            let count = from.read_buf(&mut part).await.unwrap_or(0);
            // The end travels as well; nobody takes it up where the other side has gone.
            if put.send((Instant::now() + delay, part)).is_err() || count == 0 {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, part)) = take.recv().await {
            sleep_until(due.into()).await;
            if part.is_empty() || to.write_all(&part).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

/// How long a byte and its answer really take over such a line.
///
/// # Errors
/// If the line breaks.
pub(crate) async fn measure(round_trip: Duration) -> anyhow::Result<Times> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let line = Line::open(listener.local_addr()?.to_string(), round_trip).await?;
    let mut asks = TcpStream::connect(&line.address).await?;
    let (mut answers, _) = listener.accept().await.context("nobody came over the line")?;
    for end in [&asks, &answers] {
        end.set_nodelay(true)?;
    }
    let mut times = Vec::new();
    for _ in 0..PINGS {
        let asked = Instant::now();
        asks.write_u8(1).await?;
        answers.read_u8().await?;
        answers.write_u8(1).await?;
        asks.read_u8().await?;
        times.push(asked.elapsed());
    }
    Ok(Times::of(times))
}
