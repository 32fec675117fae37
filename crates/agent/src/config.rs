//! What an agent has to be told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What an agent has to be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name, unique in the cluster.
    pub name: String,
    /// The region in which it does steps.
    pub region: String,
    /// The coordinators, `HOST:PORT` each; any of them leads it to the leader.
    pub servers: Vec<String>,
    /// Where its journal and its attempts live; nobody else's.
    pub data_dir: PathBuf,
    /// How many steps it does at once.
    pub slots: u32,
    /// For people and placement.
    pub labels: BTreeMap<String, String>,
    /// What starts `baton supervise`: the beginning of an argv to which an attempt's folder is added.
    pub supervisor: Vec<OsString>,
    /// What starts `baton cradle`: the beginning of an argv to which a folder is added. Without it every supervisor is
    /// started by itself.
    pub cradle: Option<Vec<OsString>>,
}
