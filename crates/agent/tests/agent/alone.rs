//! The agent alone, for tests that kill it: `run NAME SERVERS DIR [SUPERVISOR]`, `cradle DIR`, `supervise DIR` or
//! `act DIR`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use baton_agent::{Config, act, cradle, run, supervise};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["supervise", folder] => supervise(Path::new(folder)),
        ["cradle", folder] => cradle(Path::new(folder)),
        ["act", folder] => act(Path::new(folder)),
        ["run", name, servers, data_dir] => {
            let own = std::env::current_exe().expect("own path");
            let cradle = Some(vec![own.clone().into(), "cradle".into()]);
            agent(name, servers, data_dir, vec![own.into(), "supervise".into()], cradle)
        }
        ["run", name, servers, data_dir, supervisor] => {
            agent(name, servers, data_dir, vec![supervisor.into()], None)
        }
        _ => {
            eprintln!("usage: run NAME SERVERS DIR [SUPERVISOR] | cradle DIR | supervise DIR | act DIR");
            ExitCode::from(2)
        }
    }
}

fn agent(
    name: &str,
    servers: &str,
    data_dir: &str,
    supervisor: Vec<OsString>,
    cradle: Option<Vec<OsString>>,
) -> ExitCode {
    let config = Config {
        name: name.into(),
        region: "east".into(),
        servers: servers.split(',').map(str::to_owned).collect(),
        data_dir: PathBuf::from(data_dir),
        slots: 4,
        labels: Default::default(),
        supervisor,
        cradle,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut terminated = runtime
        .block_on(async { tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) })
        .expect("a signal to listen to");
    let shutdown = async move {
        terminated.recv().await;
    };
    match runtime.block_on(run(config, shutdown)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
