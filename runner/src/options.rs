//! How this runner was told to work, on its command line.

use crate::enclosure::Network;
use std::{
    ffi::OsString,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The command line.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where the program lies, if it does not come in on standard input.
    pub(crate) program: Option<PathBuf>,
    /// Whether standard output is a log.
    pub(crate) log: bool,
    /// Whose network the program is in.
    pub(crate) network: Network,
    /// A program is neither started nor waited for after it.
    pub(crate) expires: Option<SystemTime>,
}

impl Options {
    /// Reads the command line, which the sidecar wrote.
    pub(crate) fn from_args() -> Self {
        Self::parse(std::env::args_os().skip(1))
    }

    /// Whether it is too late to start anything.
    pub(crate) fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires < SystemTime::now())
    }

    fn parse(mut args: impl Iterator<Item = OsString>) -> Self {
        let mut options = Self { program: None, log: false, network: Network::Own, expires: None };
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--program") => {
                    options.program = args.next().map(PathBuf::from);
                    options.log = true;
                }
                Some("--log") => options.log = true,
                Some("--expires") => options.expires = args.next().and_then(|time| time_of(time.to_str()?)),
                Some("--sandbox-network") => options.network = Network::Sandbox,
                // What is not understood must not open anything.
                _ => {}
            }
        }
        options
    }
}

/// Seconds since 1970.
fn time_of(text: &str) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(text.parse().ok()?))
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
