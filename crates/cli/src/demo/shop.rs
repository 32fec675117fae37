//! The tiny shop that the demo moves: a process that listens on a port and writes orders to a
//! file. One line in, one line out; an order is answered once it is on the disk.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// How long a shop may take to open, close or answer.
const WITHIN: Duration = Duration::from_secs(10);

/// What can be done with a shop.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Shop {
    /// Starts a shop in the background and returns once it answers.
    Open {
        /// Its region, told to customers.
        #[arg(long)]
        region: String,
        /// Where it listens, on this machine.
        #[arg(long)]
        port: u16,
        /// The file of its orders.
        #[arg(long)]
        orders: PathBuf,
        /// Where its process id is written.
        #[arg(long)]
        pid_file: PathBuf,
    },
    /// The shop itself, in the foreground.
    Serve {
        /// Its region, told to customers.
        #[arg(long)]
        region: String,
        /// Where it listens, on this machine.
        #[arg(long)]
        port: u16,
        /// The file of its orders.
        #[arg(long)]
        orders: PathBuf,
    },
    /// Places an order and prints the shop's answer.
    Order {
        /// The shop's port.
        #[arg(long)]
        port: u16,
        /// What is ordered.
        text: String,
    },
    /// Returns once nobody listens on a port any more.
    Closed {
        /// The port.
        #[arg(long)]
        port: u16,
    },
}

/// Carries out one of the shop's commands.
pub(crate) fn run(shop: Shop) -> anyhow::Result<()> {
    match shop {
        Shop::Open { region, port, orders, pid_file } => open(&region, port, &orders, &pid_file),
        Shop::Serve { region, port, orders } => serve(&region, port, &orders),
        Shop::Order { port, text } => {
            println!("{}", order(port, &text)?);
            Ok(())
        }
        Shop::Closed { port } => wait_until(|| !is_open(port), || format!("port {port} is still open")),
    }
}

/// Starts a shop that outlives its starter, as a database outlives `pg_ctl`.
pub(crate) fn open(region: &str, port: u16, orders: &Path, pid_file: &Path) -> anyhow::Result<()> {
    let mut serve = Command::new(std::env::current_exe()?);
    serve.args(["shop", "serve", "--region", region, "--port", &port.to_string(), "--orders"]).arg(orders);
    serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut serve, 0);
    let child = serve.spawn().context("the shop cannot be started")?;
    std::fs::write(pid_file, child.id().to_string())?;
    wait_until(|| is_open(port), || format!("the shop does not answer on port {port}"))
}

fn serve(region: &str, port: u16, orders: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port} is taken"))?;
    let mut file = OpenOptions::new().create(true).append(true).open(orders)?;
    for stream in listener.incoming() {
        let stream = stream?;
        let mut line = String::new();
        // Who only looks whether the port is open says nothing.
        if BufReader::new(&stream).read_line(&mut line).unwrap_or(0) > 0 {
            file.write_all(line.as_bytes())?;
            file.sync_data()?;
            let _ = writeln!(&stream, "accepted in {region}");
        }
    }
    Ok(())
}

/// Places an order; the shop's answer says that it is on the disk.
pub(crate) fn order(port: u16, text: &str) -> anyhow::Result<String> {
    let stream =
        TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("no shop on port {port}"))?;
    stream.set_read_timeout(Some(WITHIN))?;
    writeln!(&stream, "{text}")?;
    let mut answer = String::new();
    BufReader::new(&stream).read_line(&mut answer)?;
    if answer.is_empty() {
        bail!("the shop on port {port} did not answer");
    }
    Ok(answer.trim_end().to_owned())
}

/// Whether anybody listens.
pub(crate) fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn wait_until(mut holds: impl FnMut() -> bool, otherwise: impl FnOnce() -> String) -> anyhow::Result<()> {
    let deadline = Instant::now() + WITHIN;
    while !holds() {
        if Instant::now() > deadline {
            bail!("{} after {} s", otherwise(), WITHIN.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
