//! How this runner was told to work, on its command line.

use crate::enclosure::Network;
use std::{
    ffi::OsString,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where the program lies, if it does not come in on standard input.
    pub(crate) program: Option<PathBuf>,
    /// Whose network the program is in.
    pub(crate) network: Network,
    /// In seconds since 1970; a program is not started after it.
    pub(crate) expires: Option<u64>,
}

impl Options {
    /// Reads the command line, which the sidecar wrote.
    pub(crate) fn from_args() -> Self {
        Self::parse(std::env::args_os().skip(1))
    }

    /// Whether it is too late to start anything.
    pub(crate) fn is_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.expires.is_some_and(|expires| expires < now)
    }

    fn parse(mut args: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self { program: None, network: Network::Own, expires: None };
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--program") => options.program = args.next().map(PathBuf::from),
                Some("--expires") => options.expires = args.next().and_then(|time| time.to_str()?.parse().ok()),
                Some("--sandbox-network") => options.network = Network::Sandbox,
                // What is not understood must not open anything.
                _ => {}
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> (Option<PathBuf>, Network) {
        let options = Options::parse(args.iter().map(OsString::from));
        (options.program, options.network)
    }

    #[test]
    fn the_network_is_the_programs_own_unless_it_is_said_otherwise() {
        assert_eq!(parse(&[]), (None, Network::Own));
        assert_eq!(parse(&["--program", "/p"]), (Some("/p".into()), Network::Own));
        assert_eq!(parse(&["--program", "--sandbox-network"]).1, Network::Own);
        assert_eq!(parse(&["--program", "/p", "--sandbox-network"]).1, Network::Sandbox);
    }

    #[test]
    fn after_its_time_nothing_is_started() {
        let expired = |args: &[&str]| Options::parse(args.iter().map(OsString::from)).is_expired();
        assert!(!expired(&[]) && !expired(&["--expires", "99999999999"]));
        assert!(expired(&["--expires", "1000000000"]));
    }
}
