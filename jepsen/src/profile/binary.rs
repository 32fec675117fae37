//! Which `baton` is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The one that was named; else the one beside this program, which is brought up to date where cargo started us.
///
/// # Errors
/// If there is none, or it cannot be built.
pub(super) fn find(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = named {
        return std::fs::canonicalize(path).with_context(|| format!("there is no {}", path.display()));
    }
    let own = std::env::current_exe()?;
    let folder = own.parent().context("this program is in no folder")?;
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "-p", "baton-cli", "--bin", "baton"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        ensure!(build.status()?.success(), "baton cannot be built");
    }
    let binary = folder.join("baton");
    ensure!(binary.is_file(), "there is no {}: name one with --binary, or build baton-cli", binary.display());
    Ok(binary)
}

/// The one that was named; else one that is built with the feature `sabotage`, and put aside under another name so that nobody
/// takes it for the real one. Always a debug build: a release with planted bugs does not compile.
///
/// # Errors
/// If there is none, or it cannot be built.
pub(super) fn find_sabotaged(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if named.is_some() {
        return find(named);
    }
    let cargo = std::env::var_os("CARGO").context("name a binary with planted bugs with --binary")?;
    let own = std::env::current_exe()?;
    let target = own.parent().and_then(Path::parent).context("this program is in no target folder")?;
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "-p", "baton-cli", "--bin", "baton"]);
    let built = build.args(["--features", "sabotage"]).arg("--target-dir").arg(target).status()?;
    ensure!(built.success(), "baton cannot be built with planted bugs");
    let binary = target.join("debug/baton-sabotage");
    std::fs::rename(target.join("debug/baton"), &binary)?;
    Ok(binary)
}
