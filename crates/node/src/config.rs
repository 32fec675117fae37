//! What a coordinator is told when it starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Everything a coordinator needs to know before it opens its data.
#[derive(Debug, Clone)]
pub struct Config {
    /// This member's id; never given to another data folder.
    pub id: u64,
    /// Where it stands.
    pub region: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// How others reach it, `HOST:PORT`.
    pub advertise: String,
    /// Its data; holds nothing else.
    pub data_dir: PathBuf,
    /// Every member's address by id, this one's included, for the first start of a cluster. Afterwards the members are
    /// those of the log.
    pub peers: BTreeMap<u64, String>,
    /// A member of the cluster that this one is to be added to.
    pub join: Option<String>,
    /// How often a leader says that it is there. An answer that takes longer does not count, so it
    /// must be well above the slowest round trip between members.
    pub heartbeat_ms: u64,
    /// Shortest and longest time after which a silent leader is replaced. From its death to the first
    /// write elsewhere it takes the longest, then a random time between the two: half a second by
    /// default.
    pub election_ms: (u64, u64),
    /// How long an agent counts as live after its last renewal.
    pub lease_ms: u64,
    /// How often an agent renews, where there are few: all together renew some six hundred times a second at most.
    pub renew_ms: u64,
    /// A snapshot is taken after this many log entries.
    pub snapshot_after: u64,
    /// How long a member of the preferred region must have been well before the leader hands over to it.
    pub prefer_after_ms: u64,
}

/// What the file given with `--config` may set; what it leaves out keeps its default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    advertise: Option<String>,
    heartbeat_ms: Option<u64>,
    election_ms: Option<(u64, u64)>,
    lease_ms: Option<u64>,
    renew_ms: Option<u64>,
    snapshot_after: Option<u64>,
    prefer_after_ms: Option<u64>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {error}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        error: std::io::Error,
    },
    /// The file is not understood.
    #[error("the configuration {} cannot be used: {error}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: toml::de::Error,
    },
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

/// How far apart the coordinators are: which times fit. An answer to a heartbeat must have come before the next, and a
/// leader is given up when five to nine of them are missing, so that a lost packet is not taken for a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Round trips of up to 25 ms. A leader's death costs about half a second.
    Lan,
    /// Regions of one continent, round trips of up to 100 ms. A leader's death costs about two seconds.
    Regional,
    /// Regions around the world, round trips of up to 250 ms. A leader's death costs four to five seconds.
    Wan,
}

impl Profile {
    /// Heartbeat, shortest and longest election, lease and renewal, milliseconds. An agent gives a silent leader up after
    /// three renewals, which is about when there is another.
    fn times(self) -> (u64, (u64, u64), u64, u64) {
        match self {
            Profile::Lan => (50, (150, 300), 5000, 200),
            Profile::Regional => (150, (300, 600), 5000, 500),
            Profile::Wan => (375, (750, 1250), 10_000, 1000),
        }
    }
}

impl Config {
    /// Takes over a profile's times.
    pub fn fit(&mut self, profile: Profile) {
        (self.heartbeat_ms, self.election_ms, self.lease_ms, self.renew_ms) = profile.times();
    }

    /// A configuration with the defaults of a local network.
    pub fn new(
        id: u64,
        region: impl Into<String>,
        listen: SocketAddr,
        data_dir: impl Into<PathBuf>,
        peers: BTreeMap<u64, String>,
    ) -> Self {
        let advertise = peers.get(&id).cloned();
        let (heartbeat_ms, election_ms, lease_ms, renew_ms) = Profile::Lan.times();
        Self {
            id,
            region: region.into(),
            listen,
            advertise: advertise.unwrap_or_else(|| listen.to_string()),
            data_dir: data_dir.into(),
            peers,
            join: None,
            heartbeat_ms,
            election_ms,
            lease_ms,
            renew_ms,
            snapshot_after: 2000,
            prefer_after_ms: 10_000,
        }
    }

    /// Takes over what a TOML file sets.
    ///
    /// # Errors
    /// If the file cannot be read, or names a key that does not exist.
    pub fn read(&mut self, path: &Path) -> Result<(), Error> {
        let text =
            std::fs::read_to_string(path).map_err(|error| Error::Read { path: path.to_path_buf(), error })?;
        let settings: Settings =
            toml::from_str(&text).map_err(|error| Error::Syntax { path: path.to_path_buf(), error })?;
        self.advertise = settings.advertise.unwrap_or(self.advertise.clone());
        self.heartbeat_ms = settings.heartbeat_ms.unwrap_or(self.heartbeat_ms);
        self.election_ms = settings.election_ms.unwrap_or(self.election_ms);
        self.lease_ms = settings.lease_ms.unwrap_or(self.lease_ms);
        self.renew_ms = settings.renew_ms.unwrap_or(self.renew_ms);
        self.snapshot_after = settings.snapshot_after.unwrap_or(self.snapshot_after);
        self.prefer_after_ms = settings.prefer_after_ms.unwrap_or(self.prefer_after_ms);
        Ok(())
    }

    /// Checks what could not work.
    ///
    /// # Errors
    /// [`Error::Contradiction`] with a sentence.
    pub fn check(&self) -> Result<(), Error> {
        let contradiction = |text: String| Err(Error::Contradiction(text));
        let (shortest, longest) = self.election_ms;
        if !self.peers.is_empty() && !self.peers.contains_key(&self.id) {
            return contradiction(format!(
                "--peers does not name member {}: it lists every member, this one included",
                self.id
            ));
        }
        if shortest >= longest || shortest < 2 * self.heartbeat_ms || self.heartbeat_ms == 0 {
            return contradiction(format!(
                "election_ms = [{shortest}, {longest}] does not fit heartbeat_ms = {}: the second must be \
                 larger than the first, and the first at least two heartbeats",
                self.heartbeat_ms
            ));
        }
        if self.lease_ms < 2 * self.renew_ms || self.renew_ms == 0 {
            return contradiction(format!(
                "lease_ms = {} does not fit renew_ms = {}: an agent must be able to renew twice in a lease",
                self.lease_ms, self.renew_ms
            ));
        }
        if self.snapshot_after == 0 {
            return contradiction("snapshot_after = 0 would take a snapshot of nothing: leave it out".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let peers = [(1, "127.0.0.1:7001"), (2, "127.0.0.1:7002")];
        let peers = peers.map(|(id, address)| (id, address.to_owned())).into();
        let listen = "127.0.0.1:7001".parse().unwrap();
        Config::new(1, "east", listen, "/data", peers)
    }

    fn read(text: &str) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("baton.toml");
        std::fs::write(&path, text).unwrap();
        let mut config = config();
        config.read(&path)?;
        config.check()?;
        Ok(config)
    }

    #[test]
    fn a_file_sets_what_it_names_and_nothing_else() {
        let config = read("lease_ms = 9000\nelection_ms = [400, 800]").unwrap();
        assert_eq!((config.lease_ms, config.renew_ms), (9000, 200));
        assert_eq!(config.election_ms, (400, 800));
    }

    #[test]
    fn every_profile_fits_together() {
        for profile in [Profile::Lan, Profile::Regional, Profile::Wan] {
            let mut config = config();
            config.fit(profile);
            config.check().unwrap();
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let error = read("leese_ms = 9000").unwrap_err().to_string();
        assert!(error.contains("leese_ms") && error.contains("line 1"), "{error}");
        assert!(error.contains("expected one of"), "{error}");
    }

    #[test]
    fn contradictions_are_refused() {
        let wrong =
            ["heartbeat_ms = 100", "election_ms = [300, 300]", "renew_ms = 4000", "snapshot_after = 0"];
        for text in wrong {
            assert!(matches!(read(text), Err(Error::Contradiction(_))), "{text}");
        }
        let mut alone = config();
        alone.peers.remove(&1);
        assert!(alone.check().unwrap_err().to_string().contains("does not name member 1"));
    }
}
