//! What can be wrong with a log's bytes, and the sentence that says so.

use std::io;
use std::path::{Path, PathBuf};

use crate::{codec, db, hard_state, table};

/// Why a log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database was not opened.
    #[error(transparent)]
    Db(#[from] db::OpenError),
    /// The folder is another member's.
    #[error(
        "{} holds the data of member {found}, and this is member {expected}: give each member a folder of its own", .folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        found: u64,
        /// Who asks.
        expected: u64,
    },
    /// The data cannot be read, or is older than it was.
    #[error(
        "{}: {reason}. This member must not vote with a log it may have forgotten: \
         move the folder away and bring the member back under a new id", .folder.display()
    )]
    Lost {
        /// The folder.
        folder: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A newer Baton wrote the data.
    #[error("{}: {error}", .folder.display())]
    Format {
        /// The folder.
        folder: PathBuf,
        /// Which format was found.
        error: codec::Error,
    },
    /// Something else that the file system said.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What can be wrong with the bytes, before it is put into a sentence.
pub(super) enum Fault {
    Lost(String),
    Codec(codec::Error),
    Io(io::Error),
}

pub(super) fn explain(folder: &Path, fault: Fault) -> OpenError {
    let folder = folder.to_path_buf();
    match fault {
        Fault::Io(error) => OpenError::Io(error),
        Fault::Codec(error @ (codec::Error::Newer { .. } | codec::Error::Unreadable { .. })) => {
            OpenError::Format { folder, error }
        }
        Fault::Codec(error) => OpenError::Lost { folder, reason: error.to_string() },
        Fault::Lost(reason) => OpenError::Lost { folder, reason },
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // What sled calls corruption comes through as an error of kind `InvalidData`.
        match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Lost(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl From<table::Error> for Fault {
    fn from(error: table::Error) -> Self {
        match error {
            table::Error::Io(error) => error.into(),
            table::Error::Codec {
                error: error @ (codec::Error::Newer { .. } | codec::Error::Unreadable { .. }),
                ..
            } => Self::Codec(error),
            broken => Self::Lost(broken.to_string()),
        }
    }
}

impl From<hard_state::Error> for Fault {
    fn from(error: hard_state::Error) -> Self {
        match error {
            hard_state::Error::Io(error) => Self::Io(error),
            hard_state::Error::Unreadable { reason: reason @ codec::Error::Newer { .. }, .. } => {
                Self::Codec(reason)
            }
            broken => Self::Lost(broken.to_string()),
        }
    }
}
